// The manuscript half of docs/protocol.md as a model: compare-and-swap revisions, saves that count once, both texts kept.

import { patched } from "../../static/js/session/splice.js";

export class ModelServer {
  constructor(limit = 500_000) {
    this.limit = limit;
    this.revisions = [{ rev: 0, text: "" }];
    this.kept = []; // texts of saves that conflicted
    this.answers = new Map();
    this.forgetful = () => false; // whether it cannot apply a patch this time
  }

  get now() {
    return this.revisions.at(-1);
  }

  /** Answers a save; `revision` is what other tabs are told. */
  save(message) {
    const { save_id, base_rev } = message;
    if (this.answers.has(save_id)) return { answer: this.#again(save_id) };
    if (message.patch && this.forgetful()) return { answer: { type: "error", code: "resend_whole", ref: save_id } };
    const base = this.revisions.find(({ rev }) => rev === base_rev);
    const text = message.patch ? patched(base.text, message.patch) : message.text;
    if (text === null || (message.patch && [...text].length !== message.length)) throw new Error("a patch that does not fit");
    if ([...text].length > this.limit) return { answer: { type: "error", code: "too_long", ref: save_id } };
    if (base_rev !== this.now.rev) {
      this.kept.push(text);
      this.answers.set(save_id, null);
      return { answer: this.#again(save_id) };
    }
    const rev = base_rev + 1;
    this.revisions.push({ rev, text });
    this.answers.set(save_id, rev);
    const whole = { start: 0, end: [...base.text].length, text };
    return { answer: this.#again(save_id), revision: { type: "revision", base_rev, rev, patch: message.patch ?? whole } };
  }

  #again(save_id) {
    const rev = this.answers.get(save_id);
    if (rev === null) return { type: "conflict", save_id, ...this.now };
    return { type: "saved", save_id, rev, late: false, characters: 0 };
  }
}
