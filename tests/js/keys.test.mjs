// The keys of a page: arrows that read a poem, and arrows that judge.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Element, lay } from "./dom.mjs";

lay(["verdict", "check_right", "check_wrong", "why", "why_hint", "reading", "wanted", "wanted_free", "comma", "verse_hide", "source_line", "sources", "tone_level", "tone_oblique", "tone_unknown", "tone_free"]);
const { Ratings } = await import("../../static/js/session/ratings.js");
const { Scansion } = await import("../../static/js/session/scansion.js");

const poem = "山水";
const verdict = { checks: [], lines: [{ text: poem, tones: "平仄", wanted: "平仄" }], readings: {}, reasons: [], counted: false, rhyme: "", opening: "" };

/** A card with its tones, on a page where two texts wait to be judged. */
async function page() {
  document.replaceChildren();
  document.heard = {};
  const chosen = [];
  const ratings = new Ratings({});
  const holder = Object.assign(new Element("details"), { open: true });
  const element = new Element("div");
  holder.append(element);
  ratings.known.set("a", { ready: true, element, judging: {}, choose: (choice) => chosen.push(choice) });
  const scansion = new Scansion({ candidate: { id: "c" }, language: "zh", ports: { read: async () => ({ sources: [], verdict }), changed: () => {} } });
  holder.append(scansion.element);
  document.append(holder);
  await scansion.look(poem);
  return { chosen, holder, cells: scansion.element.querySelectorAll("button.cell") };
}

describe("an arrow", () => {
  let it;
  beforeEach(async () => {
    it = await page();
  });

  test("that leads no further in a poem judges nothing", () => {
    for (const [cell, key] of [[1, "ArrowRight"], [1, "ArrowDown"], [0, "ArrowLeft"], [0, "ArrowUp"]]) {
      assert.equal(it.cells[cell].tell("keydown", { key }).defaultPrevented, true);
    }
    assert.deepEqual(it.chosen, []);
  });

  test("leads from one character to the next, and with Alt it is the browser's", () => {
    it.cells[0].tell("keydown", { key: "ArrowRight" });
    assert.equal(document.activeElement, it.cells[1]);
    assert.equal(it.cells[1].tell("keydown", { key: "ArrowLeft", altKey: true }).defaultPrevented, false);
    assert.equal(document.activeElement, it.cells[1]);
  });

  test("judges once, however long it is held", () => {
    it.holder.tell("keydown", { key: "ArrowRight" });
    for (let held = 0; held < 5; held += 1) it.holder.tell("keydown", { key: "ArrowRight", repeat: true });
    assert.deepEqual(it.chosen, ["second"]);
  });
});
