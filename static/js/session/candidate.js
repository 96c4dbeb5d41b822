// One streamed text, put together by position. Whatever is lost, doubled, merged or late on the way, it ends as the server has it.

import { points } from "./splice.js";

const ENDED = new Set(["done", "stopped", "failed", "interrupted"]);

export class Candidate {
  /** `told` is a candidate as `hello` or `queued` tells it. */
  constructor(told) {
    this.id = told.id;
    this.position = told.position;
    this.taken = told.taken;
    this.#hold(told);
  }

  #hold({ attempt, text, status, error, conforms }) {
    this.attempt = attempt;
    this.text = text;
    this.seq = points(text); // how many characters are held
    this.status = status;
    this.error = error ?? null;
    this.conforms = conforms ?? null; // false: its engine cannot hold a form, and this text came out without it
  }

  get ended() {
    return ENDED.has(this.status);
  }

  /** What to send when something is missing. */
  get attach() {
    return { type: "attach", candidate: this.id, attempt: this.attempt, seq: this.seq };
  }

  /** A later `hello`: the row may stand behind what was streamed, never against it. */
  refresh(told) {
    this.taken = told.taken;
    if (this.ended) return;
    const newer = told.attempt > this.attempt || (told.attempt === this.attempt && told.seq >= this.seq);
    if (newer || ENDED.has(told.status)) this.#hold(told);
  }

  /** Takes a frame; false tells that something is missing and `attach` should be sent. */
  frame({ attempt, seq, text }) {
    if (this.ended || attempt < this.attempt) return true;
    if (attempt > this.attempt && (this.seq > 0 || seq > 0)) return false; // the reset before it was lost
    if (seq > this.seq) return false;
    this.attempt = attempt;
    this.status = "running";
    const fresh = seq === this.seq ? text : [...text].slice(this.seq - seq).join("");
    this.text += fresh;
    this.seq += points(fresh);
    return true;
  }

  /** Takes a reset; false as above. After a skipped attempt nobody knows what of ours still stands, so nothing does. */
  reset({ attempt, seq }) {
    if (this.ended || attempt < this.attempt) return true;
    const skipped = attempt > this.attempt + 1 && this.seq > 0;
    const keep = skipped ? 0 : Math.min(seq, this.seq);
    this.text = [...this.text].slice(0, keep).join("");
    const whole = !skipped && keep === seq;
    this.attempt = attempt;
    this.seq = keep;
    this.status = "running";
    return whole;
  }

  /** The end is what the database holds, whatever came before. */
  end({ attempt, status, text, error, conforms }) {
    this.#hold({ attempt, text, status, error, conforms });
  }
}
