import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { both, difference, merge, patched, points, toWire, wellFormed } from "../../static/js/session/splice.js";
import { random } from "./random.mjs";

describe("a splice", () => {
  test("never cuts a surrogate pair", () => {
    const [before, after] = ["晨𠀀光", "晨𠀁光"]; // the pairs share their first half
    assert.deepEqual(difference(before, after), { start: 1, end: 3, text: "𠀁" });
    assert.deepEqual(difference("𠀀", "\u{20400}"), { start: 0, end: 2, text: "\u{20400}" }); // and here their second
  });

  test("carries code points over the wire and turns one text into the other", () => {
    const roll = random(3);
    const some = () => Array.from({ length: roll.below(9) }, () => roll.pick(["a", "b", "𠀀", "𠀁", "\u{20400}", "\n"])).join("");
    for (let round = 0; round < 3000; round += 1) {
      const [before, after] = [some(), some()];
      assert.equal(patched(before, toWire(before, difference(before, after))), after);
      assert.equal(points(before), [...before].length);
    }
  });

  test("that lies outside the text fits nowhere", () => {
    assert.equal(patched("ab", { start: 1, end: 3, text: "" }), null);
    assert.equal(patched("ab", { start: 2, end: 1, text: "" }), null);
  });

  test("holds no half of a pair and no NUL", () => {
    assert.equal(wellFormed("a\ud800b\udc00\0𠀀"), "a\ufffdb\ufffd\ufffd𠀀");
  });
});

describe("two changes of one text", () => {
  test("join where they do not touch", () => {
    assert.equal(merge("一二三四五", "零一二三四五", "一二三四五六"), "零一二三四五六");
    assert.equal(merge("一二三四五", "一二三四五六", "一三四五"), "一三四五六");
  });

  test("are left to her where they touch", () => {
    assert.equal(merge("一二三", "一甲二三", "一乙二三"), null);
    assert.equal(merge("一二三", "一甲三", "一二乙三"), null);
  });

  test("are one where one of them holds the other", () => {
    assert.equal(merge("一", "一二三", "一二"), "一二三");
    assert.equal(merge("一", "一二", "一二三"), "一二三");
  });

  test("keeps both of the lines they quarrel about, and the rest once", () => {
    assert.equal(both("晨\n湖\n雾", "晨\n湖上\n雾", "晨\n湖边有船\n雾"), "晨\n湖上\n湖边有船\n雾");
    assert.equal(both("晨\n湖", "晨\n湖上", "晨\n湖边"), "晨\n湖上\n湖边");
    assert.equal(both("湖\n雾", "湖上\n雾", "雾"), "湖上\n雾");
  });
});
