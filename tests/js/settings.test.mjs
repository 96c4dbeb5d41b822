// What a page takes from elsewhere: the account's word about the numerals, the token of the login that holds now.

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";

import { Element, lay } from "./dom.mjs";

lay(["clock_hidden", "time_left", "time_written", "extend_yes", "extend_no", "rate_failed"]);
const { Clock } = await import("../../static/js/session/clock.js");
const { Desk } = await import("../../static/js/session/desk.js");
const { poster } = await import("../../static/js/session/post.js");

/** A desk as it is opened, its account wanting the numerals or not. */
function desk(shown) {
  const root = new Element("div");
  const parts = ["numerals", "pause", "extend", "finish", "sun"].map((part) => Object.assign(new Element("button"), { dataset: { part } }));
  root.querySelectorAll = () => parts;
  const it = new Desk({ root, clock: new Clock(), shown, ports: { lines: { hide: () => {} } } });
  it.turn = () => parts[0].tell("click");
  return it;
}

test("the numerals are as she turned them here, until her account says otherwise than it did then", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  localStorage.setItem("bailu clock", "false"); // as it was kept before
  assert.equal(desk(true).shown, true);
  desk(true).turn();
  assert.equal(desk(true).shown, false);
  assert.equal(desk(false).shown, false);
  desk(false).turn();
  assert.equal(desk(false).shown, true);
  assert.equal(desk(true).shown, true);
  assert.equal(desk(false).shown, false); // it has changed twice since she turned them
  mock.timers.reset();
});

test("before the server has said what time it is the clock says none", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  localStorage.clear?.();
  const one = desk(true);
  assert.equal(one.parts.numerals.textContent, "–:––");
  one.clock.set({ state: "paused", deadline_ms: null, remaining_ms: 600_000, written_ms: 0, now_ms: 0 });
  one.tick();
  assert.equal(one.parts.numerals.textContent, "10:00");
  mock.timers.reset();
});

describe("a request", () => {
  test("brings the token of the login that holds now", async () => {
    const brought = [];
    mock.method(globalThis, "fetch", async (_, { headers }) => (brought.push(headers["X-CSRFToken"]), { ok: true, json: async () => ({}) }));
    const post = poster({ api: "/here/" });
    for (const token of ["before", "after"]) {
      document.cookie = `language=en; csrf=${token}`;
      await post("rate", {});
    }
    document.cookie = "__Host-csrf=safe; language=en";
    await post("rate", {});
    assert.deepEqual(brought, ["before", "after", "safe"]);
  });
});
