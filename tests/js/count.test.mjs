import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { count, countParts, stretch } from "../../static/js/count.js";
import { random } from "./random.mjs";

const vectors = JSON.parse(readFileSync(new URL("../vectors/counting.json", import.meta.url), "utf8"));

test("it counts what the server counts", () => {
  for (const { text, count: expected } of vectors) assert.equal(count(text), expected, JSON.stringify(text));
});

test("it counts a text in pieces as it counts it whole", () => {
  for (const { text, count: expected } of vectors) assert.equal(countParts([...text]), expected, JSON.stringify(text));
});

test("counting only around a change gives the count of the whole, whatever the change", () => {
  const roll = random(7);
  const pieces = ["晨", "光", "a", "bc", "'", "-", "’", " ", "\n", "𠮷", "𝐀", "ー", "7", "，", "x".repeat(90), "字".repeat(90)];
  const some = (most) => Array.from({ length: roll.below(most) }, () => roll.pick(pieces)).join("");
  for (let round = 0; round < 2000; round += 1) {
    const before = some(12);
    const points = [...before];
    const from = points.slice(0, roll.below(points.length + 1)).join("").length;
    const to = from + points.slice([...before.slice(0, from)].length).slice(0, roll.below(4)).join("").length;
    const inserted = some(4);
    const after = before.slice(0, from) + inserted + before.slice(to);
    const difference = around(after, from, from + inserted.length) - around(before, from, to);
    assert.equal(count(before) + difference, count(after), JSON.stringify({ before, from, to, inserted }));
  }
});

test("a long unbroken run of Han characters is not read to its end", () => {
  const text = "字".repeat(500_000);
  let read = 0;
  stretch((from, to) => ((read += to - from), text.slice(from, to)), text.length, 250_000, 250_001);
  assert.ok(read < 1000, `${read} characters read`);
});

function around(text, from, to) {
  const [start, end] = stretch((low, high) => text.slice(low, high), text.length, from, to);
  return count(text.slice(start, end));
}
