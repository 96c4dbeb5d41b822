import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Candidate } from "../../static/js/session/candidate.js";
import { random } from "./random.mjs";

const queued = { id: "c", position: 0, attempt: 0, seq: 0, text: "", status: "queued", taken: false };
const frame = (seq, text, attempt = 1) => ({ type: "frame", candidate: "c", attempt, seq, text });

describe("a candidate", () => {
  test("takes frames in their place and drops what overlaps", () => {
    const it = new Candidate(queued);
    assert.equal(it.frame(frame(0, "湖上")), true);
    assert.equal(it.frame(frame(1, "上𠀀晨")), true);
    assert.equal(it.frame(frame(0, "湖")), true);
    assert.equal(it.text, "湖上𠀀晨");
    assert.equal(it.seq, 4);
    assert.equal(it.status, "running");
  });

  test("remembers at its end whether it came out in its form, where that was in doubt", () => {
    const it = new Candidate(queued);
    assert.equal(it.conforms, null);
    it.end({ attempt: 1, status: "done", text: "湖", error: null, conforms: false });
    assert.equal(it.conforms, false);
  });

  test("asks for what is missing and takes nothing beyond the hole", () => {
    const it = new Candidate(queued);
    it.frame(frame(0, "湖"));
    assert.equal(it.frame(frame(2, "晨")), false);
    assert.equal(it.text, "湖");
    assert.deepEqual(it.attach, { type: "attach", candidate: "c", attempt: 1, seq: 1 });
  });

  test("drops what lies behind a reset, and hears the fenced attempt no more", () => {
    const it = new Candidate(queued);
    it.frame(frame(0, "湖上晨"));
    assert.equal(it.reset({ attempt: 2, seq: 1 }), true);
    assert.equal(it.frame(frame(3, "光")), true);
    it.frame(frame(1, "边", 2));
    assert.equal(it.text, "湖边");
  });

  test("holds nothing after a reset that skips an attempt, because nobody knows what still stands", () => {
    const it = new Candidate(queued);
    it.frame(frame(0, "湖上晨"));
    assert.equal(it.reset({ attempt: 3, seq: 3 }), false);
    assert.deepEqual(it.attach, { type: "attach", candidate: "c", attempt: 3, seq: 0 });
  });

  test("ends as the database has it and stays so", () => {
    const it = new Candidate(queued);
    it.frame(frame(0, "湖"));
    it.end({ attempt: 1, status: "stopped", text: "湖上", error: null });
    it.frame(frame(2, "晨"));
    it.refresh({ ...queued, taken: true });
    assert.equal(it.text, "湖上");
    assert.equal(it.status, "stopped");
    assert.equal(it.taken, true);
  });

  test("keeps what was streamed when the row of a later hello stands behind it", () => {
    const it = new Candidate(queued);
    it.frame(frame(0, "湖上晨"));
    it.refresh({ ...queued, attempt: 1, seq: 1, text: "湖", status: "running" });
    assert.equal(it.text, "湖上晨");
    it.refresh({ ...queued, attempt: 1, seq: 4, text: "湖上晨光", status: "running" });
    assert.equal(it.text, "湖上晨光");
  });
});

describe("whatever the way does to its messages", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    test(`a candidate shows a beginning of a true text at all times and the whole of it at the end (seed ${seed})`, () => journey(seed));
  }
});

function follows(message, last) {
  if (message.type !== "frame" || last?.type !== "frame" || last.attempt !== message.attempt) return false;
  return last.seq + [...last.text].length === message.seq;
}

/** A server that writes in attempts, and a way that loses, doubles, merges and delays within their order. */
function journey(seed) {
  const roll = random(seed);
  const it = new Candidate(queued);
  let [attempt, text, over] = [0, "", false];
  let way = [];
  const lossy = (message) => {
    if (roll.chance(0.15)) return;
    const last = way.at(-1);
    if (follows(message, last) && roll.chance(0.4)) {
      way[way.length - 1] = { ...last, text: last.text + message.text };
    } else {
      way.push(message);
      if (roll.chance(0.1)) way.push(message);
    }
  };
  const attach = (asked) => {
    way = [];
    if (over) return way.push({ type: "end", attempt, status: "done", text, error: null });
    let keep = asked.seq;
    if (asked.attempt < attempt) way.push({ type: "reset", attempt, seq: (keep = 0) });
    way.push({ type: "frame", attempt, seq: keep, text: [...text].slice(keep).join("") });
  };
  const hear = () => {
    const message = way.shift();
    if (message && it[message.type](message) === false) attach(it.attach);
  };
  const write = () => {
    if (over) return;
    if (attempt === 0 || roll.chance(0.08)) {
      attempt += 1;
      const keep = roll.below([...text].length + 1);
      text = [...text].slice(0, keep).join("");
      lossy({ type: "reset", attempt, seq: keep });
    }
    const piece = Array.from({ length: 1 + roll.below(4) }, () => roll.pick(["湖", "𠀀", "晨", "\n", "a"])).join("") + attempt;
    lossy({ type: "frame", attempt, seq: [...text].length, text: piece });
    text += piece;
  };
  for (let steps = 0; steps < 120; steps += 1) {
    roll.chance(0.5) ? write() : hear();
    if (it.attempt === attempt && !it.ended) assert.ok(text.startsWith(it.text), `${it.text} is no beginning of ${text}`);
  }
  over = true;
  lossy({ type: "end", attempt, status: "done", text, error: null });
  while (way.length) hear();
  if (!it.ended) attach(it.attach); // ten seconds of silence
  while (way.length) hear();
  assert.equal(it.text, text);
  assert.equal(it.status, "done");
}
