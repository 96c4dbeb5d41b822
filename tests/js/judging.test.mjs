import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Judging, choiceOf, starsOf } from "../../static/js/session/judging.js";

const rating = (more) => ({ id: "r", kind: "tie", candidate: null, line: null, score: null, tags: [], consent: false, ...more });
const told = (comparison, scores = []) => ({ comparison, scores, wrote: comparison && { a: "", b: "night-1" } });

describe("a judging", () => {
  test("knows which text of the two is preferred", () => {
    const it = new Judging(["a", "b"]);
    assert.equal(it.choice, null);
    it.hear(told(rating({ kind: "prefer", candidate: "b" })), 1);
    assert.equal(it.choice, "second");
    it.hear(told(rating({ kind: "both_bad" })), 2);
    assert.equal(it.choice, "both_bad");
    it.hear(told(null), 3);
    assert.equal(it.choice, null);
    assert.equal(it.wrote, null);
  });

  test("takes nothing that was said earlier than what it has heard", () => {
    const it = new Judging(["a", "b"]);
    assert.equal(it.hear(told(rating({})), 5), true);
    assert.equal(it.hear(told(null), 4), false);
    assert.equal(it.choice, "tie");
    assert.equal(it.hear(told(null), 5), true);
  });

  test("tells a text's stars from its lines'", () => {
    const it = new Judging(["a", "b"]);
    const scores = [rating({ kind: "score", candidate: "a", line: 0, score: 2 }), rating({ kind: "score", candidate: "a", score: 5 })];
    it.hear(told(null, scores), 1);
    assert.equal(it.score("a").score, 5);
    assert.equal(it.score("a", 0).score, 2);
    assert.equal(it.score("a", 1), null);
    assert.equal(it.score("b"), null);
  });

  test("sends the id of the better one, and tags only when they change", () => {
    const it = new Judging(["a", "b"]);
    assert.deepEqual(it.comparing("first"), { kind: "prefer", candidate: "a" });
    assert.deepEqual(it.comparing("both_bad"), { kind: "both_bad" });
    it.hear(told(rating({ tags: ["fresh"] })), 1);
    assert.deepEqual(it.comparing("tie", it.toggled("music")), { kind: "tie", tags: ["fresh", "music"] });
    assert.deepEqual(it.comparing("tie", it.toggled("fresh")), { kind: "tie", tags: [] });
  });
});

test("each key means one thing, and the others nothing", () => {
  assert.deepEqual(["ArrowLeft", "ArrowRight", "=", "0"].map(choiceOf), ["first", "second", "tie", "both_bad"]);
  assert.deepEqual(["1", "5", "0", "6", "12"].map(starsOf), [1, 5, undefined, undefined, undefined]);
  assert.equal(choiceOf("a"), undefined);
  assert.equal(choiceOf("toString"), undefined);
});
