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

  test("stays closed without a login or a session, and says which", () => {
    it.cut(4401);
    it.pass(60_000);
    assert.equal(it.lines.length, 1);
    assert.equal(it.socket.state, "no_login");
    const other = setting();
    other.cut(4404);
    assert.equal(other.socket.state, "no_session");
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
