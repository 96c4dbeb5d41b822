import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Pins, lineIn } from "../../static/js/session/pins.js";
import { faultsByPlace, nameOf, signOf, signWanted, signsIn, step } from "../../static/js/session/tones.js";

const memory = () => {
  const all = new Map();
  return { all, get: (id) => all.get(id), set: (id, lines) => all.set(id, lines) };
};

describe("signs", () => {
  test("every tone and every want has a sign, and every sign a name", () => {
    assert.deepEqual([..."平仄通？"].map(signOf), ["○", "●", "◐", "?"]);
    assert.deepEqual([..."平仄·韵叶"].map(signWanted), ["○", "●", "⊙", "△", "▲"]);
    for (const sign of "○●◐?⊙△▲") assert.match(nameOf(sign), /^tone_/);
  });

  test("what is no tone has none", () => {
    assert.equal(signOf("x"), "");
    assert.equal(signWanted(undefined), "");
    assert.equal(nameOf(""), null);
    assert.equal(nameOf("constructor"), null);
  });

  test("a legend names each sign once, in the order of the poem", () => {
    assert.deepEqual(signsIn(["⊙●○○⊙●△", "⊙○⊙●●○△"]), ["⊙", "●", "○", "△"]);
    assert.deepEqual(signsIn(["", ""]), []);
  });
});

describe("the arrow keys", () => {
  const lengths = [5, 5, 7];
  test("lead along a line and on into the next", () => {
    assert.deepEqual(step([0, 0], "ArrowRight", lengths), [0, 1]);
    assert.deepEqual(step([0, 4], "ArrowRight", lengths), [1, 0]);
    assert.deepEqual(step([1, 0], "ArrowLeft", lengths), [0, 4]);
  });

  test("lead up and down, to the end where a line is shorter", () => {
    assert.deepEqual(step([2, 6], "ArrowUp", lengths), [1, 4]);
    assert.deepEqual(step([1, 3], "ArrowDown", lengths), [2, 3]);
  });

  test("stop at the ends of the poem, and other keys lead nowhere", () => {
    assert.equal(step([0, 0], "ArrowLeft", lengths), null);
    assert.equal(step([0, 3], "ArrowUp", lengths), null);
    assert.equal(step([2, 6], "ArrowRight", lengths), null);
    assert.equal(step([2, 6], "ArrowDown", lengths), null);
    assert.equal(step([0, 0], "a", lengths), null);
    assert.deepEqual(step([1, 2], "Home", lengths), [1, 0]);
    assert.deepEqual(step([1, 2], "End", lengths), [1, 4]);
  });
});

test("a fault is found by its place, one of a whole line by none", () => {
  const faults = [{ line: 2, place: 3, message: "here" }, { line: 1, place: null, message: "all of it" }];
  assert.deepEqual([...faultsByPlace([{ faults }, { faults: [] }])], [["1/2", "here"]]);
});

describe("pins", () => {
  const poem = ["来鸟春秋石，", "晨灯影月声。", "山舟声石落，", "春鸟落声生。"];

  test("are told by place, in order, without their marks", () => {
    const pins = new Pins({ id: "a", memory: memory() });
    pins.toggle(3);
    pins.toggle(1);
    assert.deepEqual(pins.of(poem), [[1, "晨灯影月声"], [3, "春鸟落声生"]]);
    pins.toggle(1);
    assert.deepEqual(pins.of(poem), [[3, "春鸟落声生"]]);
    assert.equal(pins.has(1), false);
  });

  test("take the line as it is now, a swapped one too, and no empty one", () => {
    const pins = new Pins({ id: "a", memory: memory() });
    pins.toggle(0);
    pins.toggle(9);
    assert.deepEqual(pins.of(["风起湖先白，", ...poem.slice(1)]), [[0, "风起湖先白"]]);
  });

  test("are counted without the empty rows between stanzas", () => {
    const rows = ["山一程，", "水一程。", "", "风一更，", "雪一更。"];
    assert.deepEqual([0, 1, 3, 4].map((row) => lineIn(rows, row)), [0, 1, 2, 3]);
    const pins = new Pins({ id: "a", memory: memory() });
    pins.toggle(lineIn(rows, 3));
    assert.deepEqual(pins.of(rows), [[2, "风一更"]]);
  });

  test("come back after a reload, and begin with what was asked for", () => {
    const kept = memory();
    new Pins({ id: "a", memory: kept }).toggle(2);
    assert.equal(new Pins({ id: "a", memory: kept }).has(2), true);
    assert.equal(new Pins({ id: "b", kept: [[1, "晨灯影月声"]], memory: kept }).has(1), true);
    const emptied = new Pins({ id: "b", kept: [[1, "晨灯影月声"]], memory: kept });
    emptied.toggle(1);
    assert.equal(new Pins({ id: "b", kept: [[1, "晨灯影月声"]], memory: kept }).has(1), false);
  });
});
