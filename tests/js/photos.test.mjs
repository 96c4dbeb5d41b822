import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as rest } from "node:timers/promises";

import { Element, lay } from "./dom.mjs";

const BY = ["her", "measured", "tagger", "vlm"].flatMap((who) => [`photo_by_${who}`, `photo_seen_${who}`]);
const NAMES = ["add", "take", "alt", "chips", "chip", "chip_add", "chip_remove", "keep", "delete", "not_along", "hour"].map((name) => `photo_${name}`);
const HOURS = ["morning", "noon", "afternoon", "dusk", "night"].map((name) => `photo_hour_${name}`);
lay([...BY, ...NAMES, ...HOURS]);
const { Photos } = await import("../../static/js/session/photos.js");

let pages = 0;
const told = (id, source, ...chips) => ({ id, source, chips, kept: false, width: 9, height: 9 });
const seen = (photo) => ({ kind: "photo", photo });
const settled = async () => (await new Promise((then) => setTimeout(then, 5)), rest());

function page(...photos) {
  const said = [];
  const it = new Photos({ place: new Element("div"), api: `/${(pages += 1)}/`, say: (text) => said.push(text), arrived: () => {} });
  it.hello(photos);
  const inputs = (at) => it.list.children[at].querySelectorAll("input.chip");
  const helps = (at) => it.list.children[at].querySelectorAll(".help").filter((each) => !each.hidden).map((each) => each.textContent);
  return { it, said, inputs, helps, values: (at) => inputs(at).map((each) => each.value) };
}

describe("photographs", () => {
  test("are announced with who saw what", async () => {
    const { it, said } = page(told("a", "measured", "light"));
    it.noticed(seen(told("a", "tagger", "cup")));
    it.noticed(seen(told("a", "vlm", "boat")));
    assert.deepEqual(said, ["photo_seen_tagger", "photo_seen_vlm"]);
  });

  test("but the newest are said to stay behind", () => {
    const { it, inputs, helps } = page(told("a", "measured", "light"), told("b", "vlm", "boat"));
    assert.deepEqual([helps(0), helps(1)], [["photo_by_vlm"], ["photo_by_measured", "photo_not_along"]]);
    const [older] = inputs(1);
    older.value = "mist";
    older.tell("change");
    assert.deepEqual(helps(1), ["photo_not_along"]);
    assert.deepEqual(it.imagery, { photo_id: "b", chips: ["boat"] });
    it.noticed({ kind: "photo_gone", id: "b" });
    assert.deepEqual(helps(0), ["photo_by_her"]);
    assert.deepEqual(it.imagery, { photo_id: "a", chips: ["mist"] });
  });

  test("are not drawn anew under her hand, and what she changes is hers", async () => {
    const { it, said, inputs, helps, values } = page(told("a", "measured", "light"));
    const [chip] = inputs(0);
    chip.focus();
    chip.value = "mist";
    it.noticed(seen(told("a", "vlm", "boat", "lake")));
    assert.equal(inputs(0)[0], chip);
    assert.deepEqual(it.imagery.chips, ["light"]);
    chip.tell("change");
    chip.blur();
    await settled();
    assert.deepEqual([values(0), it.imagery.chips, helps(0), said], [["mist", ""], ["mist"], ["photo_by_her"], []]);
  });

  test("keep a new word that is not taken over yet", () => {
    const { it, inputs, values } = page(told("a", "measured", "light"));
    inputs(0).at(-1).value = "mi";
    it.noticed(seen(told("a", "vlm", "boat")));
    assert.deepEqual(values(0), ["light", "mi"]);
  });

  test("show what was seen meanwhile when she leaves without a change", async () => {
    const { it, said, inputs, values } = page(told("a", "measured", "light"));
    inputs(0)[0].focus();
    it.noticed(seen(told("a", "vlm", "boat")));
    assert.deepEqual([values(0), said], [["light", ""], []]);
    inputs(0)[0].blur();
    await settled();
    assert.deepEqual([values(0), it.imagery.chips, said], [["boat", ""], ["boat"], ["photo_seen_vlm"]]);
  });

  test("take the hour along only when she adds it", () => {
    const { it, helps } = page(told("a", "measured", "light"));
    assert.deepEqual(it.imagery.chips, ["light"]);
    const [now] = it.list.children[0].querySelectorAll(".photo-hour");
    now.onclick();
    assert.equal(it.imagery.chips.length, 2);
    assert.ok(HOURS.includes(it.imagery.chips[1]));
    assert.deepEqual(helps(0), ["photo_by_her"]);
  });
});
