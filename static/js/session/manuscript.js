// Her text between the screen and the server: a state machine that knows no DOM, no socket and no clock of its own.
//
// `base` is the newest revision both sides are known to share; whatever the server holds beyond it waits in `ahead` until it
// can be joined. One save travels at a time, `sent`; it keeps its id until it is answered, so a repeated one is harmless.
// Nothing typed leaves the screen without having reached the server or standing in front of her as a choice.

import { both, difference, merge, patched, points, toWire, wellFormed } from "./splice.js";

const IDLE = 1000;
const MOST = 3000; // while she types on without a pause
const UNANSWERED = 10_000;
const REFUSED = 30_000;
const RETRIES = { too_fast: 2000, unavailable: 5000 };

export class Manuscript {
  /**
   * `ports`: read() the text on screen, show(text) put it there, send(message) towards the server, told() something about
   * the state changed, again() ask for a new `hello`, id() a fresh uuid. `copy` is what an earlier page left on this
   * device, see `copy()`; `fresh` says that the server is known to hold nothing yet.
   */
  constructor({ ports, limit, copy = null, fresh = false }) {
    this.ports = ports;
    this.limit = limit;
    this.base = copy ? copy.base : fresh ? { rev: 0, text: "" } : null;
    this.sent = copy?.sent ?? null;
    this.dirty = copy ? copy.text !== (this.sent ?? this.base).text : false;
    this.ahead = null;
    this.later = []; // revisions that came before what they stand on
    this.conflict = null;
    this.online = false;
    this.composing = false;
    this.tooLong = false;
    this.late = false;
    this.touchedAt = 0;
    this.firstAt = this.dirty ? 0 : null;
    this.notBefore = 0;
  }

  /** `opening`, `saved`, `saving`, `device`, `conflict` or `too_long`; `saved` is said of the very text on screen. */
  get state() {
    if (!this.base) return "opening";
    if (this.conflict) return "conflict";
    if (this.tooLong) return "too_long";
    if (!this.dirty && !this.sent) return "saved";
    return this.online && !this.notBefore ? "saving" : "device";
  }

  get editable() {
    return this.base !== null;
  }

  /** What another page needs to go on where this one stops, or null when the server has everything. */
  copy() {
    if (!this.base || (!this.dirty && !this.sent)) return null;
    return { base: this.base, sent: this.sent, text: this.#screen() };
  }

  /** She changed the text. */
  touch(now) {
    this.dirty = true;
    this.touchedAt = now;
    this.firstAt ??= now;
    this.ports.told();
  }

  compose(composing, now) {
    this.composing = composing;
    if (!composing) this.settle(now);
  }

  /** When `settle` has something to do next, or null. */
  get dueAt() {
    if (!this.online || !this.base || this.composing || this.conflict) return null;
    if (this.sent) return Math.max(this.sent.at + UNANSWERED, this.notBefore);
    if (!this.dirty || this.firstAt === null) return null;
    return Math.max(Math.min(this.touchedAt + IDLE, this.firstAt + MOST), this.notBefore);
  }

  /** Does what is due: joins what the server has beyond us, saves what it lacks. */
  settle(now) {
    if (!this.base || this.composing || this.conflict) return;
    if (!this.sent && this.ahead) this.#join(now);
    const due = this.dueAt;
    if (due === null || now < due) return;
    this.notBefore = 0;
    if (this.sent) this.#post(now);
    else this.#save(now);
  }

  /** Saves without waiting for a pause; for a page that may be put away. */
  flush(now) {
    if (!this.dirty || this.sent || this.notBefore > now) return;
    this.firstAt = this.touchedAt = now - MOST;
    this.settle(now);
  }

  /**
   * A last message for a page that may not come back. It stands on what the server surely has, never on a save that is
   * still unanswered: if that one was heard, this one is a conflict there, kept, and the copy on this device joins them.
   */
  farewell() {
    if (!this.base || this.conflict || this.sent?.leaving !== undefined) return null;
    const text = this.#screen();
    if (text === this.base.text || points(text) > this.limit) return null;
    if (text === this.sent?.text) return wire(this.sent, this.base.text);
    return wire({ id: this.ports.id(), baseRev: this.base.rev, text }, this.base.text);
  }

  offline() {
    this.online = false;
    this.ports.told();
  }

  hello({ rev, text }, now) {
    this.online = true;
    this.later = [];
    this.notBefore = 0;
    this.#learn({ rev, text });
    if (this.sent) this.#post(now);
    this.settle(now);
    this.ports.told();
  }

  #learn(server) {
    if (!this.base) {
      this.base = server;
      this.ports.show(server.text);
    } else if (server.rev < this.base.rev) {
      // It lost what it had (an older backup, say): what stands here is the newest there is.
      Object.assign(this, { base: server, sent: null, ahead: null, conflict: null, dirty: true, firstAt: this.firstAt ?? 0 });
    } else if (server.rev > this.#newest.rev || (!this.sent && server.text !== this.#newest.text)) {
      this.#take(server);
    }
  }

  received(message, now) {
    if (message.type === "revision") this.#revision(message);
    else if (message.type === "saved") this.#saved(message, now);
    else if (this.sent && message.type === "conflict" && message.save_id === this.sent.id) this.#conflicted(message);
    else if (this.sent && message.type === "error" && message.ref === this.sent.id) this.#refused(message, now);
    this.settle(now);
    this.ports.told();
  }

  /** Her answer to a conflict: `mine`, `theirs` or `both`. */
  choose(answer, now) {
    const { rev, text, kept } = this.conflict;
    const mine = this.#screen();
    this.conflict = null;
    if (answer === "theirs" && kept !== mine) {
      // On its old base it cannot win: the server answers with a conflict, and has kept it.
      this.#dispatch({ text: mine, leaving: text }, now);
    } else {
      const answers = { mine, theirs: text, both: both(this.base.text, mine, text) };
      this.base = { rev, text };
      this.#put(answers[answer], now);
    }
    this.settle(now);
    this.ports.told();
  }

  get #newest() {
    return this.conflict ?? this.ahead ?? this.base;
  }

  #screen() {
    return wellFormed(this.ports.read());
  }

  #take(server) {
    if (this.conflict) this.conflict = { ...this.conflict, ...server };
    else this.ahead = server;
  }

  #save(now) {
    const text = this.#screen();
    this.tooLong = points(text) > this.limit;
    if (this.tooLong) this.firstAt = null; // until she changes it
    else if (text === this.base.text) this.#clean();
    else this.#dispatch({ text }, now);
    this.ports.told();
  }

  #clean() {
    this.dirty = false;
    this.firstAt = null;
    this.tooLong = false;
  }

  #dispatch(save, now) {
    this.sent = { id: this.ports.id(), baseRev: this.base.rev, ...save };
    this.#clean();
    this.#post(now);
  }

  #post(now) {
    this.sent.at = now;
    if (this.online) this.ports.send(wire(this.sent, this.sent.whole ? null : this.base.text));
  }

  #saved({ save_id, rev, late }, now) {
    if (this.sent?.id !== save_id) return;
    const { text, leaving } = this.sent;
    this.base = { rev, text };
    this.sent = null;
    this.notBefore = 0;
    this.late = late;
    if (this.ahead && this.ahead.rev <= rev) this.ahead = null;
    if (leaving !== undefined && !this.dirty) this.#put(leaving, now);
    this.#catchUp();
  }

  #conflicted({ rev, text }) {
    const { text: kept, leaving } = this.sent;
    const server = rev < this.#newest.rev ? { rev: this.#newest.rev, text: this.#newest.text } : { rev, text };
    this.sent = null;
    this.notBefore = 0;
    this.ahead = null;
    if (leaving !== undefined && !this.dirty) {
      this.base = server;
      this.ports.show(server.text);
    } else if (leaving !== undefined) {
      this.conflict = { ...server, kept };
    } else {
      this.#makeDirty();
      this.ahead = { ...server, kept };
    }
    this.#catchUp();
  }

  #makeDirty() {
    this.dirty = true;
    this.firstAt ??= 0;
  }

  #refused({ code }, now) {
    if (code === "too_long") {
      this.sent = null;
      this.#makeDirty();
      this.tooLong = true;
      this.firstAt = null;
    } else if (code === "resend_whole" && !this.sent.whole) {
      this.sent.whole = true;
      this.#post(now);
    } else {
      this.notBefore = now + (RETRIES[code] ?? REFUSED);
      this.sent.at = now - UNANSWERED;
      this.sent.whole = true;
    }
  }

  #revision(revision) {
    if (!this.base || revision.rev <= this.#newest.rev) return;
    this.later.push(revision);
    this.#catchUp();
  }

  /** Takes the waiting revisions that now have what they stand on; a hole that no answer will fill needs a `hello`. */
  #catchUp() {
    this.later = this.later.filter(({ rev }) => rev > this.#newest.rev).sort((one, other) => one.rev - other.rev);
    while (this.later.length && this.later[0].base_rev === this.#newest.rev) {
      const { rev, patch } = this.later.shift();
      const text = patched(this.#newest.text, patch);
      if (text === null) return void this.ports.again();
      this.#take({ rev, text });
    }
    if (this.later.length && !this.sent) this.ports.again();
  }

  #join(now) {
    const { rev, text, kept } = this.ahead;
    const mine = this.dirty ? this.#screen() : this.base.text;
    const joined = merge(this.base.text, mine, text);
    this.ahead = null;
    if (joined === null) {
      this.conflict = { rev, text, kept };
    } else {
      this.base = { rev, text };
      this.#put(joined, now);
    }
  }

  /** Puts `text` on the screen and leaves it to be saved unless the server has it. */
  #put(text, now) {
    if (text !== this.#screen()) this.ports.show(text);
    if (text === this.base.text) return void this.#clean();
    this.dirty = true;
    this.touchedAt = now;
    this.firstAt ??= now;
  }
}

/** A save as the wire wants it: a patch of `from`, or the whole text where there is nothing to stand on. */
function wire({ id, baseRev, text }, from) {
  const save = { type: "save", save_id: id, base_rev: baseRev };
  if (from === null) return { ...save, text };
  return { ...save, patch: toWire(from, difference(from, text)), length: points(text) };
}
