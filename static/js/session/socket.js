// The line to the server: opens, greets, notices a dead one by itself, and comes back with jitter. It keeps no messages:
// whoever needs an answer asks again after `hello`.

import { wellFormed } from "./splice.js";

const HELLO_WITHIN = 10_000;
const ANSWER_WITHIN = 5000;
const PING_EVERY = 15_000;
const LATE_TIMER = 2000; // a timer so late means that the page slept, not that the server did
const NO_LOGIN = 4401;
const NO_SESSION = 4404;
const CROWDED = 4429; // she has too many pages open; one that is closed makes room
const UNANSWERED = new Set(["ack", "hint", "attach", "stop"]); // the server may well have nothing to say to them
const KINDER = new Set([1012, 1013, CROWDED]); // the server restarts, or asked for patience

export class Socket {
  /**
   * `heard(message)` gets every message; `told(state)` gets `connecting`, `online`, `offline`, `crowded`, `no_login` or `no_session`.
   * `tools` stands in for WebSocket, timers, clock and chance in tests.
   */
  constructor({ url, heard, told, tools = {} }) {
    Object.assign(this, { url, heard, told });
    this.tools = {
      open: (address) => new WebSocket(address),
      later: (work, wait) => setTimeout(work, wait),
      cancel: (timer) => clearTimeout(timer),
      now: () => performance.now(),
      chance: Math.random,
      ...tools,
    };
    this.state = "connecting";
    this.failures = 0;
    this.greeted = false;
    this.timers = {};
    this.pings = new Map();
    this.serial = 0;
  }

  get online() {
    return this.state === "online";
  }

  /** Opens a line now, whatever was planned. */
  connect() {
    this.#drop();
    this.greeted = false;
    this.told((this.state = "connecting"));
    const wire = this.tools.open(this.url);
    this.wire = wire;
    wire.onmessage = ({ data }) => this.wire === wire && this.#message(JSON.parse(data));
    wire.onclose = ({ code }) => this.wire === wire && this.#closed(code);
    this.#plan("deadline", HELLO_WITHIN, () => this.#closed(1006));
  }

  /** Sends when the line is open; false tells that it is not. Half a character would be refused with all that is beside it. */
  send(message) {
    if (!this.online) return false;
    this.wire.send(JSON.stringify(message, (_, value) => (typeof value === "string" ? wellFormed(value) : value)));
    if (!UNANSWERED.has(message.type)) this.#expect();
    return true;
  }

  /** Is anybody there? Also measures the clock: the answer's `sent` is steady time. */
  ping() {
    if (!this.online) return;
    this.serial += 1;
    this.pings.set(this.serial, this.tools.now());
    this.send({ type: "ping", t: this.serial });
  }

  /** The page woke, or the network came back: prove the line, or open a new one at once. */
  wake() {
    if (this.online) this.ping();
    else if (this.state === "offline" || this.state === "crowded") this.connect();
  }

  close() {
    this.#drop();
    this.told((this.state = "offline"));
  }

  #message(message) {
    this.#cancel("deadline");
    this.#plan("ping", PING_EVERY, () => this.ping());
    if (message.type === "hello") {
      this.failures = 0;
      this.greeted = true;
      this.state = "online";
      this.told(this.state);
    }
    if (message.type === "pong") this.#pong(message);
    else this.heard(message);
  }

  #pong({ t, now_ms }) {
    const sent = this.pings.get(t);
    this.pings.delete(t);
    if (sent !== undefined) this.heard({ type: "pong", now_ms, sent, received: this.tools.now() });
  }

  #expect() {
    if (this.timers.deadline !== undefined) return;
    const asked = this.tools.now();
    this.#plan("deadline", ANSWER_WITHIN, () => {
      if (this.tools.now() - asked > ANSWER_WITHIN + LATE_TIMER) this.ping();
      else this.#closed(1006);
    });
  }

  #closed(code) {
    this.#drop();
    // After a greeting it may have been another device that logged out: whether this page is welcome, the next line tells.
    if (code === NO_LOGIN && !this.greeted) return this.told((this.state = "no_login"));
    if (code === NO_SESSION) return this.told((this.state = "no_session"));
    this.failures += 1;
    this.#plan("again", this.#patience(code), () => this.connect());
    this.told((this.state = code === CROWDED ? "crowded" : "offline"));
  }

  #patience(code) {
    const most = Math.min(5000, 600 * 2 ** Math.min(this.failures, 4));
    const least = KINDER.has(code) ? 1000 : 300;
    return least + this.tools.chance() * ((KINDER.has(code) ? 5000 : most) - least);
  }

  #drop() {
    Object.keys(this.timers).forEach((name) => this.#cancel(name));
    this.pings.clear();
    const { wire } = this;
    this.wire = null;
    wire?.close();
  }

  #plan(name, wait, work) {
    this.#cancel(name);
    this.timers[name] = this.tools.later(() => {
      delete this.timers[name];
      work();
    }, wait);
  }

  #cancel(name) {
    this.tools.cancel(this.timers[name]);
    delete this.timers[name];
  }
}
