// What remains, always computed from the server's deadline and a measured offset: nothing here is ever counted down, so sleep,
// throttled timers and a wrong local clock cannot make it wrong.

const MINUTE = 60_000;
const JUMP = 2000;
export const SAMPLES = 5;

export class Clock {
  /** `wall` is Date.now and `steady` is performance.now, or stand-ins. */
  constructor(wall = () => Date.now(), steady = () => performance.now()) {
    this.wall = wall;
    this.steady = steady;
    this.offset = 0;
    this.session = null;
    this.said = { minute: false, over: false };
    this.#begin();
  }

  #begin() {
    this.left = SAMPLES;
    this.best = Infinity;
    this.anchor = this.wall() - this.steady();
  }

  /** Starts a new measurement; what was measured before stands until its first sample is in. */
  measure() {
    this.#begin();
  }

  /** Whether more samples are wanted. */
  get measuring() {
    return this.left > 0;
  }

  /** Whether the local clock was set, or the machine slept: time for a new measurement. */
  get jumped() {
    return Math.abs(this.wall() - this.steady() - this.anchor) > JUMP;
  }

  /** A pong: `server` was the server's time between `sent` and `received` (steady). The quickest round trip is believed. */
  sample(server, sent, received) {
    const trip = received - sent;
    this.left = Math.max(0, this.left - 1);
    if (trip > this.best) return;
    this.best = trip;
    const at = this.wall() - (this.steady() - received);
    this.offset = server + trip / 2 - at;
  }

  /** The first word of the server's time, taken until something better is measured. */
  hint(server) {
    if (this.best === Infinity) this.offset = server - this.wall();
  }

  get now() {
    return this.wall() + this.offset;
  }

  /** A `session` message: state, deadline_ms, remaining_ms, minutes, written_ms, now_ms. */
  set(session) {
    this.session = session;
    const { remaining } = this;
    if (remaining === null || remaining > 0) this.said.over = false;
    if (remaining === null || remaining > MINUTE) this.said.minute = false;
  }

  /** Milliseconds left, negative once time is up; null without a limit or before anything is known. */
  get remaining() {
    if (!this.session || this.session.remaining_ms === null) return null;
    return this.session.deadline_ms === null ? this.session.remaining_ms : this.session.deadline_ms - this.now;
  }

  /** Milliseconds she has sat here, pauses left out. */
  get written() {
    if (!this.session) return 0;
    const { written_ms, now_ms, state } = this.session;
    return written_ms + (state === "running" ? Math.max(0, this.now - now_ms) : 0);
  }

  get over() {
    const { remaining } = this;
    return remaining !== null && remaining <= 0;
  }

  /** How much of the sitting's length is behind her, 0 to 1; null without a limit. */
  get share() {
    const { remaining } = this;
    if (remaining === null) return null;
    const whole = this.written + remaining;
    return whole <= 0 ? 1 : Math.min(1, Math.max(0, this.written / whole));
  }

  /** What is to be said now, each once: `minute` when the last one has begun, `over` at the end; else null. */
  announce() {
    const { remaining } = this;
    if (remaining === null || this.session.state !== "running") return null;
    if (remaining <= 0) return this.#once("over");
    return remaining <= MINUTE && this.session.minutes !== 1 ? this.#once("minute") : null;
  }

  #once(what) {
    if (this.said[what]) return null;
    this.said[what] = true;
    return what;
  }
}

/** 83_000 as 1:23, hours only when there are some; a started second counts as a whole one that is left. */
export function numerals(milliseconds, { left }) {
  const seconds = Math.max(0, left ? Math.ceil(milliseconds / 1000) : Math.floor(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
