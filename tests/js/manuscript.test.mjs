import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { page } from "./page.mjs";

describe("a save", () => {
  let it;
  beforeEach(() => {
    it = page({ fresh: true });
    it.manuscript.hello({ rev: 0, text: "" }, 0);
  });

  test("goes a second after the last key and is called saved when it is answered", () => {
    it.type("晨", 0);
    it.manuscript.settle(999);
    assert.equal(it.out.length, 0);
    it.manuscript.settle(1000);
    assert.deepEqual(it.out, [{ type: "save", save_id: "page-1", base_rev: 0, patch: { start: 0, end: 0, text: "晨" }, length: 1 }]);
    assert.equal(it.manuscript.state, "saving");
    it.manuscript.received({ type: "saved", save_id: "page-1", rev: 1, late: false }, 1100);
    assert.equal(it.manuscript.state, "saved");
  });

  test("goes after three seconds of typing without a pause", () => {
    for (let now = 0; now < 3000; now += 200) {
      it.type(it.screen + "字", now);
      it.manuscript.settle(now);
    }
    assert.equal(it.out.length, 0);
    it.manuscript.settle(3000);
    assert.equal(it.out.length, 1);
  });

  test("is not called saved when she has typed on", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.type("晨光", 1050);
    it.manuscript.received({ type: "saved", save_id: "page-1", rev: 1, late: false }, 1100);
    assert.equal(it.manuscript.state, "saving");
    it.manuscript.settle(2050);
    assert.deepEqual(it.out[1].patch, { start: 1, end: 1, text: "光" });
    assert.equal(it.out[1].base_rev, 1);
  });

  test("waits for the end of a composition", () => {
    it.manuscript.compose(true, 0);
    it.type("chen", 0);
    it.manuscript.settle(9000);
    it.manuscript.flush(9000);
    assert.equal(it.out.length, 0);
    it.type("晨", 9100);
    it.manuscript.compose(false, 9100);
    assert.equal(it.out[0].patch.text, "晨");
  });

  test("goes whole when the server cannot place the patch, under the same id", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.manuscript.received({ type: "error", code: "resend_whole", ref: "page-1", message: "" }, 1010);
    assert.deepEqual(it.out[1], { type: "save", save_id: "page-1", base_rev: 0, text: "晨" });
  });

  test("goes again under the same id after a reconnect", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.manuscript.offline();
    assert.equal(it.manuscript.state, "device");
    it.manuscript.hello({ rev: 1, text: "晨" }, 5000);
    assert.deepEqual(it.out[1], it.out[0]);
    it.manuscript.received({ type: "saved", save_id: "page-1", rev: 1, late: false }, 5010);
    assert.equal(it.manuscript.state, "saved");
  });

  test("goes again when ten seconds bring no answer", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.manuscript.settle(10_999);
    assert.equal(it.out.length, 1);
    it.manuscript.settle(11_000);
    assert.deepEqual(it.out[1], it.out[0]);
  });

  test("waits when the server asks for patience, and says so meanwhile", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.manuscript.received({ type: "error", code: "too_fast", ref: "page-1", message: "" }, 1010);
    assert.equal(it.manuscript.state, "device");
    it.manuscript.settle(3009);
    assert.equal(it.out.length, 1);
    it.manuscript.settle(3010);
    assert.equal(it.out[1].save_id, "page-1");
  });

  test("is not made for a text that came back to what is saved", () => {
    it.type("晨", 0);
    it.type("", 100);
    it.manuscript.settle(1100);
    assert.equal(it.out.length, 0);
    assert.equal(it.manuscript.state, "saved");
  });

  test("of a text that is too long is not made; it stays here, and goes when it is shorter", () => {
    it.type("字".repeat(500_001), 0);
    it.manuscript.settle(1000);
    assert.equal(it.out.length, 0);
    assert.equal(it.manuscript.state, "too_long");
    assert.equal(it.manuscript.copy().text.length, 500_001);
    it.type("𠀀".repeat(500_000), 2000);
    it.manuscript.settle(3000);
    assert.equal(it.out[0].length, 500_000);
    assert.equal(it.manuscript.state, "saving");
  });

  test("that is late says so", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    it.manuscript.received({ type: "saved", save_id: "page-1", rev: 1, late: true }, 1100);
    assert.equal(it.manuscript.late, true);
  });

  test("of the last moment stands on what the server surely has", () => {
    it.type("晨", 0);
    it.manuscript.settle(1000);
    assert.equal(it.manuscript.farewell().save_id, "page-1");
    it.type("晨光", 1001);
    const last = it.manuscript.farewell();
    assert.notEqual(last.save_id, "page-1");
    assert.deepEqual([last.base_rev, last.patch, last.length], [0, { start: 0, end: 0, text: "晨光" }, 2]);
  });
});

describe("another tab's save", () => {
  const revision = (base_rev, text, at = 0) => ({ type: "revision", base_rev, rev: base_rev + 1, patch: { start: at, end: at, text } });

  test("appears where nothing is unsaved", () => {
    const it = page();
    it.manuscript.hello({ rev: 4, text: "晨" }, 0);
    it.manuscript.received(revision(4, "光", 1), 10);
    assert.equal(it.screen, "晨光");
    assert.equal(it.manuscript.state, "saved");
  });

  test("waits while she composes", () => {
    const it = page();
    it.manuscript.hello({ rev: 4, text: "晨雾" }, 0);
    it.manuscript.compose(true, 0);
    it.type("晨雾san", 0);
    it.manuscript.received(revision(4, "的", 0), 10);
    assert.equal(it.screen, "晨雾san");
    it.type("晨雾散", 20);
    it.manuscript.compose(false, 20);
    assert.equal(it.screen, "的晨雾散");
  });

  test("out of order is put in order, and a hole asks for everything again", () => {
    const it = page();
    it.manuscript.hello({ rev: 1, text: "" }, 0);
    it.manuscript.received(revision(2, "二", 1), 10);
    assert.equal(it.again, 1);
    it.manuscript.received(revision(1, "一", 0), 20);
    assert.equal(it.screen, "一二");
  });
});

describe("a conflict", () => {
  let it;
  beforeEach(() => {
    it = page();
    it.manuscript.hello({ rev: 1, text: "湖" }, 0);
    it.type("湖上", 0);
    it.manuscript.settle(1000);
    it.manuscript.received({ type: "conflict", save_id: "page-1", rev: 2, text: "湖边" }, 1100);
  });

  test("is hers to decide and stops no key", () => {
    assert.equal(it.manuscript.state, "conflict");
    it.type("湖上有", 1200);
    assert.equal(it.screen, "湖上有");
    assert.equal(it.manuscript.copy().text, "湖上有");
  });

  test("may keep mine", () => {
    it.manuscript.choose("mine", 2000);
    it.manuscript.settle(3000);
    assert.deepEqual(it.out[1].patch, { start: 1, end: 2, text: "上" });
    assert.equal(it.out[1].base_rev, 2);
  });

  test("may keep the other, which the server already gave for mine", () => {
    it.manuscript.choose("theirs", 2000);
    assert.equal(it.screen, "湖边");
    assert.equal(it.manuscript.state, "saved");
  });

  test("keeps what was typed since on the server before the other is shown", () => {
    it.type("湖上有雾", 1500);
    it.manuscript.choose("theirs", 2000);
    assert.equal(it.screen, "湖上有雾");
    assert.equal(it.out[1].base_rev, 1);
    it.manuscript.received({ type: "conflict", save_id: "page-2", rev: 2, text: "湖边" }, 2100);
    assert.equal(it.screen, "湖边");
    assert.equal(it.manuscript.state, "saved");
  });

  test("may keep both", () => {
    it.manuscript.choose("both", 2000);
    assert.equal(it.screen, "湖上\n湖边");
    it.manuscript.settle(3000);
    assert.equal(it.out[1].base_rev, 2);
  });

  test("joins by itself where the changes do not touch", () => {
    const other = page();
    other.manuscript.hello({ rev: 1, text: "一二三" }, 0);
    other.type("一二三四", 0);
    other.manuscript.settle(1000);
    other.manuscript.received({ type: "conflict", save_id: "page-1", rev: 2, text: "零一二三" }, 1100);
    assert.equal(other.screen, "零一二三四");
    assert.equal(other.manuscript.state, "saving");
  });
});

describe("a page opened again", () => {
  const copy = { base: { rev: 3, text: "一" }, sent: null, text: "一二" };

  test("sends what the device had and the server had not", () => {
    const it = page({ copy });
    assert.equal(it.manuscript.state, "device");
    it.manuscript.hello({ rev: 3, text: "一" }, 0);
    it.manuscript.settle(1000);
    assert.deepEqual(it.out[0].patch, { start: 1, end: 1, text: "二" });
  });

  test("first asks after the save that was never answered", () => {
    const sent = { id: "old", baseRev: 3, text: "一二" };
    const it = page({ copy: { ...copy, sent, text: "一二三" } });
    it.manuscript.hello({ rev: 4, text: "一二" }, 0);
    assert.equal(it.out[0].save_id, "old");
    it.manuscript.received({ type: "saved", save_id: "old", rev: 4, late: false }, 10);
    it.manuscript.settle(2000);
    assert.deepEqual(it.out[1].patch, { start: 2, end: 2, text: "三" });
  });

  test("joins what another device wrote meanwhile", () => {
    const it = page({ copy });
    it.manuscript.hello({ rev: 9, text: "零\n一" }, 0);
    assert.equal(it.screen, "零\n一二");
    it.manuscript.settle(1000);
    assert.equal(it.out[0].base_rev, 9);
  });

  test("never lets an older server take what stands here", () => {
    const it = page();
    it.manuscript.hello({ rev: 5, text: "五" }, 0);
    it.manuscript.offline();
    it.manuscript.hello({ rev: 4, text: "四" }, 10);
    assert.equal(it.screen, "五");
    it.manuscript.settle(2000);
    assert.equal(it.out[0].base_rev, 4);
  });
});
