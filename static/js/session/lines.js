// The sentences between manuscript and foot: each has a key, stands once, and goes when its reason goes.

import { make } from "./dom.js";

export class Lines {
  /** `moved()` is called when their room changed. */
  constructor(parent, moved) {
    Object.assign(this, { parent, moved });
    this.shown = new Map();
  }

  /** `actions` are [words, work] pairs, `quote` a text of hers; the same key again replaces the sentence. */
  show(key, text, { actions = [], quote = "", href = null } = {}) {
    const standing = this.shown.get(key);
    if (standing?.dataset.text === text + quote) return;
    const line = make("div", { class: "line" }, make("p", {}, text));
    line.dataset.text = text + quote;
    if (quote) line.append(make("blockquote", { class: "manuscript" }, quote));
    const buttons = actions.map(([words, work]) => make("button", { class: "text-button", type: "button", onclick: work }, words));
    if (href) buttons.push(make("a", { class: "text-button", href: href[1] }, href[0]));
    if (buttons.length) line.append(make("div", { class: "line-actions" }, ...buttons));
    if (standing) standing.replaceWith(line);
    else this.parent.append(line);
    this.shown.set(key, line);
    this.moved();
  }

  hide(key) {
    const line = this.shown.get(key);
    if (!line) return;
    line.remove();
    this.shown.delete(key);
    this.moved();
  }

  /** To the first thing that can be done about it. */
  focus(key) {
    this.shown.get(key)?.querySelector("button, a")?.focus();
  }
}
