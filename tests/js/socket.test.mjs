import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Socket } from "../../static/js/session/socket.js";

/** A socket on a clock of its own: `pass` lets time go by, `lines` are the sockets it opened. */
function setting() {
  const it = { now: 0, timers: new Map(), lines: [], states: [], heard: [] };
  let serial = 0;
  const tools = {
    open: () => {
      const line = { sent: [], closed: false, send: (text) => line.sent.push(JSON.parse(text)), close: () => (line.closed = true) };
      it.lines.push(line);
      return line;
    },
    later: (work, wait) => {
      it.timers.set((serial += 1), { at: it.now + wait, work });
      return serial;
    },
    cancel: (timer) => it.timers.delete(timer),
    now: () => it.now,
    chance: () => 0.5,
  };
  it.pass = (milliseconds) => {
    const until = it.now + milliseconds;
    for (;;) {
      const due = [...it.timers].filter(([, { at }]) => at <= until).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      it.timers.delete(due[0]);
      it.now = Math.max(it.now, due[1].at);
      due[1].work();
    }
    it.now = until;
  };
  it.socket = new Socket({ url: "ws://here/", heard: (message) => it.heard.push(message), told: (state) => it.states.push(state), tools });
  it.say = (message) => it.lines.at(-1).onmessage({ data: JSON.stringify(message) });
  it.cut = (code) => it.lines.at(-1).onclose({ code });
  it.socket.connect();
  return it;
}

describe("the line", () => {
  let it;
  beforeEach(() => {
    it = setting();
    it.say({ type: "hello" });
  });

  test("is open once the server has greeted", () => {
    assert.deepEqual(it.states, ["connecting", "online"]);
    assert.equal(it.socket.send({ type: "stop" }), true);
  });

  test("carries text that the server can hold, wherever it stands", () => {
    it.socket.send({ type: "inspire", wish: "a\ud83d", options: { head: "\ude00b", words: ["鹭", "\0"] } });
    const { wish, options } = it.lines[0].sent.at(-1);
    assert.deepEqual([wish, options], ["a\ufffd", { head: "\ufffdb", words: ["鹭", "\ufffd"] }]);
  });

  test("that falls silent after a question is called offline within five seconds and opened anew", () => {
    it.socket.send({ type: "save" });
    it.pass(4999);
    assert.equal(it.socket.state, "online");
    it.pass(1);
    assert.equal(it.socket.state, "offline");
    it.pass(5000);
    assert.equal(it.lines.length, 2);
    assert.equal(it.socket.send({ type: "save" }), false);
  });

  test("is not given up after a message that has no answer", () => {
    for (const type of ["ack", "hint", "attach", "stop"]) {
      it.socket.send({ type });
      it.pass(6000);
      assert.equal(it.socket.state, "online", type);
      it.say({ type: "frame" });
    }
  });

  test("asks by itself whether anybody is there", () => {
    it.pass(15_000);
    assert.equal(it.lines[0].sent[0].type, "ping");
    it.pass(5000);
    assert.equal(it.socket.state, "offline");
  });

  test("measures the time of an answer from its own question", () => {
    it.socket.ping();
    const { t } = it.lines[0].sent[0];
    it.pass(40);
    it.say({ type: "pong", t, now_ms: 99 });
    assert.deepEqual(it.heard.at(-1), { type: "pong", now_ms: 99, sent: 0, received: 40 });
    it.say({ type: "pong", t, now_ms: 99 });
    assert.equal(it.heard.filter(({ type }) => type === "pong").length, 1);
  });

  test("does not take a sleep of the page for a silence of the server", () => {
    it.socket.send({ type: "save" });
    it.now += 60_000; // timers stood still meanwhile
    it.pass(0);
    assert.equal(it.socket.state, "online");
    assert.equal(it.lines[0].sent.at(-1).type, "ping");
  });

  test("comes back after longer the more often it fails, and never after more than five seconds", () => {
    const waits = [];
    for (let failures = 0; failures < 6; failures += 1) {
      it.cut(1006);
      const since = it.now;
      const lines = it.lines.length;
      while (it.lines.length === lines) it.pass(10);
      waits.push(it.now - since);
    }
    assert.deepEqual(waits, [...waits].sort((one, other) => one - other));
    assert.ok(waits[0] >= 300 && waits.at(-1) <= 5000, waits.join());
  });

  test("gives a server that restarts a moment", () => {
    it.cut(1012);
    it.pass(999);
    assert.equal(it.lines.length, 1);
    it.pass(4001);
    assert.equal(it.lines.length, 2);
  });

  test("is patient where she has too many pages open, and says so", () => {
    it.cut(4429);
    assert.equal(it.socket.state, "crowded");
    it.pass(999);
    assert.equal(it.lines.length, 1);
    it.pass(4001);
    assert.equal(it.lines.length, 2);
    it.say({ type: "hello" });
    assert.equal(it.socket.state, "online");
  });

  test("stays closed without a login or a session, and says which", () => {
    for (const [code, state] of [[4401, "no_login"], [4404, "no_session"]]) {
      const other = setting();
      other.cut(code);
      other.pass(60_000);
      assert.equal(other.lines.length, 1);
      assert.equal(other.socket.state, state);
    }
  });

  test("that is closed by a logout is tried once more: it may have been another device's", () => {
    it.cut(4401);
    it.pass(5000);
    assert.equal(it.lines.length, 2);
    it.say({ type: "hello" });
    assert.equal(it.socket.state, "online");
    it.cut(4401);
    it.pass(5000);
    it.cut(4401);
    it.pass(60_000);
    assert.equal(it.lines.length, 3);
    assert.equal(it.socket.state, "no_login");
  });

  test("opens at once when the page wakes", () => {
    it.cut(1006);
    it.socket.wake();
    assert.equal(it.lines.length, 2);
    assert.equal(it.lines[0].closed, true);
  });

  test("hears nothing more from a line it gave up", () => {
    const old = it.lines[0];
    it.cut(1006);
    it.socket.wake();
    old.onmessage({ data: '{"type":"saved"}' });
    old.onclose({ code: 4401 });
    assert.deepEqual(it.heard.map(({ type }) => type), ["hello"]);
    assert.equal(it.socket.state, "connecting");
  });

  test("that does not greet within ten seconds is given up", () => {
    it.cut(1006);
    it.socket.wake();
    it.pass(10_000);
    assert.equal(it.socket.state, "offline");
  });
});
