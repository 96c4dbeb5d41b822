import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { lay } from "./dom.mjs";

const HOURS = ["morning", "noon", "afternoon", "dusk", "night"].map((name) => `photo_hour_${name}`);
lay(["list", "chip", "add", "remove", ...HOURS]);
const { Chips } = await import("../../static/js/session/chips.js");
const { hour } = await import("../../static/js/session/hour.js");

const NAMES = { list: "list", chip: "chip", add: "add", remove: "remove" };
const tick = () => new Promise((then) => setTimeout(then, 1));

function row(...chips) {
  const told = [];
  const it = new Chips({ chips, most: 4, longest: 20, names: NAMES, changed: (now) => told.push(now.join(" ")) });
  const inputs = () => it.element.querySelectorAll("input");
  const aways = () => it.element.querySelectorAll("button");
  const type = (input, text) => (input.focus(), (input.value = text), input.tell("change"));
  return { it, told, inputs, aways, type };
}

describe("chips", () => {
  test("that are changed leave the others where they are, under the finger and under the focus", () => {
    const { told, inputs, aways, type } = row("mist", "lake", "boat");
    const [first, away] = [inputs()[0], aways()[1]];
    type(first, " fog ");
    assert.equal(document.activeElement, first);
    assert.equal(inputs()[0], first);
    assert.equal(aways()[1], away); // a click on it has begun, and ended the change
    away.tell("click");
    assert.deepEqual(told, ["fog lake boat", "fog boat"]);
  });

  test("that are new leave the others where they are", () => {
    const { told, inputs, aways, type } = row("mist", "lake");
    const [room, away] = [inputs().at(-1), aways()[0]];
    type(room, "boat");
    assert.equal(inputs().at(-1), room);
    assert.equal(room.value, "");
    assert.equal(aways()[0], away);
    away.tell("click");
    assert.deepEqual(told, ["mist lake boat", "lake boat"]);
    assert.equal(document.activeElement, inputs()[0]);
  });

  test("go when they are emptied, and her place is the next", async () => {
    const { told, inputs, aways, type } = row("mist", "lake");
    type(inputs()[0], " ");
    aways()[0].focus(); // by the tab key
    await tick();
    assert.deepEqual([told, inputs().length], [["lake"], 2]);
    assert.equal(document.activeElement, inputs()[0]);
  });

  test("that are emptied do not call her back from elsewhere", async () => {
    const { told, inputs, type } = row("mist", "lake");
    type(inputs()[0], "");
    inputs().at(-1).focus();
    await tick();
    assert.deepEqual(told, ["lake"]);
    assert.equal(document.activeElement, inputs().at(-1));
  });

  test("come to an end, and her place is the last then", () => {
    const { it, told, inputs, type } = row("mist", "lake", "boat");
    type(inputs().at(-1), "reed");
    assert.deepEqual(told, ["mist lake boat reed"]);
    assert.equal(inputs().at(-1).hidden, true);
    assert.equal(document.activeElement, inputs()[3]);
    it.add("moon");
    assert.equal(told.length, 1);
  });

  test("are not said twice by a press", () => {
    const { it, told } = row("mist");
    it.add("noon");
    it.add("noon");
    assert.deepEqual(told, ["mist noon"]);
  });
});

test("an hour has its word", () => {
  const words = [4, 5, 9, 10, 14, 17, 20, 23].map((n) => hour(new Date(2026, 10, 28, n)).replace("photo_hour_", ""));
  assert.deepEqual(words, ["night", "morning", "morning", "noon", "afternoon", "dusk", "night", "night"]);
});
