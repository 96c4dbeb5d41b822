// The ask, and the swap of a line: what comes of a no.

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { Element, lay } from "./dom.mjs";

lay(["ask_again_in", "ask_no_more", "ask_waits", "turn_waits", "want_any", "want_words", "want_word", "want_word_add", "heard_start", "swap_leave", "swap_choices", "swap_kept"]);
globalThis.Option = class extends Element {};
const { Ask } = await import("../../static/js/session/ask.js");
const { Candidate } = await import("../../static/js/session/candidate.js");
const { Inspirations } = await import("../../static/js/session/inspirations.js");
const { Swaps } = await import("../../static/js/session/swaps.js");

const busy = (key) => ({ type: "busy", key, code: "busy", retry_after_ms: 3000, message: "one waits" });
const error = (code, ref) => ({ type: "error", code, ref, message: `no: ${code}` });

/** A form in which nothing but its fields and the places for sentences matter. */
function form() {
  const fields = ["kind", "form", "wish", "book", "rhyme", "head", "script", "size", "lines", "strict"];
  const it = Object.assign(new Element("form"), { elements: Object.fromEntries(fields.map((name) => [name, new Element(name)])) });
  const group = Object.assign(new Element("[data-group]"), { dataset: { group: "modern" } });
  const radio = Object.assign(new Element("input[name=form]"), { value: "free", checked: true, dataset: { takes: "" } });
  const wants = new Element("[data-wants]");
  group.append(radio);
  wants.append(new Element("[data-words]"), new Element("[data-asked]"));
  it.append(group, wants, new Element("[data-said]"), new Element("[data-used]"));
  it.elements.kind.value = "poem";
  it.said = () => it.querySelector("[data-said]").textContent;
  return it;
}

function asking() {
  const it = { out: [], form: form() };
  const lesson = { show: () => {} };
  it.again = () => new Ask({ form: it.form, send: (message) => it.out.push(message), before: () => "", imagery: () => ({}), where: "here", lesson, rhymes: {} });
  it.ask = it.again();
  it.ask.ask();
  it.key = it.out.at(-1).key;
  return it;
}

const kept = () => JSON.parse(sessionStorage.getItem("bailu ask here")).pending;

describe("an ask", () => {
  beforeEach(() => mock.timers.reset());

  test("takes no answer to something else, also when nothing is asked", () => {
    const { ask, form, key, out } = asking();
    assert.equal(ask.received(busy("another")), false);
    assert.equal(ask.received({ type: "queued", key }), true);
    for (const message of [busy("another"), error("not_found", "another"), error("malformed", "")]) assert.equal(ask.received(message), false);
    assert.deepEqual([form.said(), out.length], ["", 1]);
  });

  test("waits where it is told to, and goes out again as it was", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { ask, form, key, out } = asking();
    ask.received(busy(key));
    assert.match(form.said(), /one waits ask_again_in ask_no_more/);
    mock.timers.tick(3000);
    assert.deepEqual(out.map((each) => each.key), [key, key]);
    assert.equal(form.said(), "");
    ask.received({ type: "queued", key });
  });

  test("whose answer is a no is over, also one that could not be read", () => {
    for (const refusal of [(key) => error("not_found", key), () => error("malformed", "")]) {
      const it = asking();
      assert.equal(kept().key, it.key);
      assert.equal(it.ask.received(refusal(it.key)), true);
      assert.equal(kept(), null);
      assert.match(it.form.said(), /^no: /);
    }
  });

  test("lives on where it is something else that came too fast", () => {
    const { ask, key } = asking();
    assert.equal(ask.received(error("too_fast", "")), false);
    assert.equal(kept().key, key);
    ask.received({ type: "queued", key });
  });
});

function swapping(send = () => true) {
  const it = { out: [] };
  const ports = { send: (message) => send(message) && it.out.push(message), post: () => {}, say: () => {}, changed: () => {} };
  it.swaps = new Swaps({ candidate: { id: "poem" }, ports });
  return it;
}

describe("a swap", () => {
  beforeEach(() => mock.timers.reset());

  test("that finds no room says so, and is asked again when there is", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { swaps, out } = swapping();
    swaps.ask(1);
    assert.equal(swaps.refused(busy("another")), false);
    assert.equal(swaps.refused(busy(out[0].key)), true);
    assert.equal(swaps.said.textContent.trim(), "one waits ask_again_in ask_no_more");
    mock.timers.tick(3000);
    assert.deepEqual(out[1], out[0]);
    assert.equal(swaps.said.textContent.trim(), "");
  });

  test("is not asked again when she has thought better of it, or wants another line instead", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { swaps, out } = swapping();
    swaps.ask(0);
    swaps.refused(busy(out[0].key));
    swaps.said.querySelector("button").onclick();
    swaps.ask(1);
    swaps.refused(busy(out[1].key));
    swaps.ask(2);
    mock.timers.tick(9000);
    assert.deepEqual(out.map(({ line }) => line), [0, 1, 2]);
    assert.equal(swaps.said.textContent.trim(), "");
  });

  test("tells why not, by the ask or by the poem, and what it could not send", () => {
    const { swaps, out } = swapping();
    assert.equal(swaps.refused(error("not_found", "poem")), false);
    swaps.ask(0);
    assert.equal(swaps.refused(error("finished", out[0].key)), true);
    assert.equal(swaps.said.textContent.trim(), "no: finished");
    swaps.ask(1);
    assert.equal(swaps.refused(error("said_twice", "poem")), true);
    assert.equal(swaps.said.textContent.trim(), "no: said_twice");
    const alone = swapping(() => false).swaps;
    alone.ask(0);
    assert.equal(alone.said.textContent.trim(), "turn_waits");
  });
});

describe("inspirations", () => {
  test("find the poem that a no is about, and ask again without a photograph that is gone", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    const it = new Inspirations({ list: new Element("div"), ports: {} });
    const { swaps, out } = swapping();
    swaps.ask(3);
    it.byCandidate.set("choice", { card: {} });
    it.byCandidate.set("poem", { card: { swaps } });
    assert.equal(it.refused(busy("another")), false);
    assert.equal(it.refused(error("finished", out[0].key)), true);
    const told = [{ id: "a", photo_id: "p" }, { id: "b", photo_id: "q" }];
    for (const each of told) it.known.set(each.id, { told: each });
    it.photoGone("p");
    assert.deepEqual(told.map(({ photo_id }) => photo_id), [null, "q"]);
    it.ports.ratings = { hear: () => {} };
    it.hello([{ id: "b", photo_id: null, candidates: [] }], 1);
    assert.equal(told[1].photo_id, null);
    mock.timers.reset();
  });

  test("owe no more than two thousand characters of a text, and say nothing before", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    globalThis.requestAnimationFrame = () => {};
    const out = [];
    const it = new Inspirations({ list: new Element("div"), ports: { send: (message) => out.push(message) } });
    const candidate = new Candidate({ id: "a", attempt: 1, seq: 0, text: "", status: "running", language: "zh" });
    it.byCandidate.set("a", { candidate, card: {}, acked: 0, heardAt: 0 });
    for (let seq = 0; seq < 4500; seq += 100) {
      it.received({ type: "frame", candidate: "a", attempt: 1, seq, text: "诗".repeat(100) });
    }
    assert.deepEqual(out.map(({ type, candidate, seq }) => [type, candidate, seq]), [["ack", "a", 2000], ["ack", "a", 4000]]);
    mock.timers.reset();
  });
});
