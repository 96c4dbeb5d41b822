import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Clock, numerals } from "../../static/js/session/clock.js";

const TRUE = 1_700_000_000_000; // the server's time when the test begins

describe("the clock of a sitting", () => {
  let it;
  beforeEach(() => {
    it = { wall: TRUE - 3_600_000, steady: 500 }; // the local clock is an hour slow
    it.clock = new Clock(() => it.wall, () => it.steady);
    it.pass = (milliseconds) => {
      it.wall += milliseconds;
      it.steady += milliseconds;
    };
    it.sitting = (more = {}) => {
      const session = { state: "running", minutes: 10, deadline_ms: TRUE + 600_000, remaining_ms: 600_000, written_ms: 0, now_ms: TRUE };
      it.clock.set({ ...session, ...more });
    };
    it.clock.hint(TRUE);
    it.sitting();
  });

  test("does not mind a wrong local clock", () => {
    assert.equal(it.clock.remaining, 600_000);
    it.pass(61_000);
    assert.equal(it.clock.remaining, 539_000);
  });

  test("believes the quickest round trip of five", () => {
    for (const [trip, lag] of [[80, 70], [20, 10], [300, 290], [60, 5], [90, 45]]) {
      const sent = it.steady;
      const server = TRUE + (sent - 500) + lag;
      it.pass(trip);
      it.clock.sample(server, sent, it.steady);
    }
    assert.equal(it.clock.measuring, false);
    assert.equal(Math.round(it.clock.now - TRUE), 550);
  });

  test("notices when the local clock is set, and is right again after one sample", () => {
    it.wall += 7_200_000;
    assert.equal(it.clock.jumped, true);
    it.clock.measure();
    assert.equal(it.clock.jumped, false);
    it.clock.sample(TRUE, it.steady, it.steady);
    assert.equal(it.clock.remaining, 600_000);
  });

  test("notices that the machine slept", () => {
    it.wall += 30_000; // the steady clock stood still
    assert.equal(it.clock.jumped, true);
    assert.equal(it.clock.remaining, 570_000);
  });

  test("says the last minute once, and the end once", () => {
    it.pass(539_000);
    assert.equal(it.clock.announce(), null);
    it.pass(1500);
    assert.equal(it.clock.announce(), "minute");
    assert.equal(it.clock.announce(), null);
    it.pass(60_000);
    assert.equal(it.clock.announce(), "over");
    assert.equal(it.clock.announce(), null);
    assert.equal(it.clock.over, true);
  });

  test("that wakes within the last minute still says it, and one that wakes later only says the end", () => {
    it.pass(580_000);
    assert.equal(it.clock.announce(), "minute");
    it.clock.said.minute = false;
    it.pass(3_000_000);
    assert.equal(it.clock.announce(), "over");
    assert.equal(it.clock.announce(), null);
  });

  test("that was given more time says the last minute again", () => {
    it.pass(541_000);
    assert.equal(it.clock.announce(), "minute");
    it.sitting({ deadline_ms: TRUE + 900_000, remaining_ms: 359_000, written_ms: 541_000, now_ms: TRUE + 541_000 });
    assert.equal(it.clock.announce(), null);
    it.pass(300_000);
    assert.equal(it.clock.announce(), "minute");
  });

  test("says no last minute in a sitting of one", () => {
    it.sitting({ minutes: 1, deadline_ms: TRUE + 60_000, remaining_ms: 60_000 });
    assert.equal(it.clock.announce(), null);
  });

  test("that is paused shows what remains and stands still", () => {
    it.sitting({ state: "paused", deadline_ms: null, remaining_ms: 30_000, written_ms: 570_000 });
    it.pass(600_000);
    assert.equal(it.clock.remaining, 30_000);
    assert.equal(it.clock.written, 570_000);
    assert.equal(it.clock.announce(), null);
  });

  test("without a limit counts up", () => {
    it.sitting({ minutes: null, deadline_ms: null, remaining_ms: null, written_ms: 5000 });
    it.pass(61_000);
    assert.equal(it.clock.remaining, null);
    assert.equal(it.clock.share, null);
    assert.equal(it.clock.written, 66_000);
    assert.equal(it.clock.announce(), null);
  });

  test("knows how much of the morning is behind her", () => {
    it.pass(150_000);
    assert.equal(it.clock.share, 0.25);
    it.pass(900_000);
    assert.equal(it.clock.share, 1);
  });
});

test("numerals show hours only when there are some", () => {
  assert.equal(numerals(599_001, { left: true }), "10:00");
  assert.equal(numerals(61_000, { left: true }), "1:01");
  assert.equal(numerals(-5, { left: true }), "0:00");
  assert.equal(numerals(3_661_999, { left: false }), "1:01:01");
});
