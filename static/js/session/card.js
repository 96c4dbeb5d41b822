// One candidate as a card: its state in words, its verse line by line, and what she can take of it.

import { make, write } from "./dom.js";
import { word } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const STATES = { running: "writing", done: "written" }; // the others are called as they are

export class Card {
  /** `take(text, whole)` puts a text into the manuscript. `lines` is how many lines the form has, null if free. */
  constructor({ candidate, inspiration, take }) {
    Object.assign(this, { candidate, inspiration, take });
    this.lines = [];
    this.state = make("p", { class: "card-state" });
    this.verse = make("div", { class: "verse", lang: inspiration.language });
    const whole = { class: "text-button", type: "button", onclick: () => this.#takeWhole() };
    this.whole = make("button", whole, word(inspiration.kind === "poem" ? "take_poem" : "take_whole"));
    this.mark = make("span", { class: "taken" });
    const hints = ["take_line", "tap_line"].map((key) => make("span", { class: key, "aria-hidden": "true" }, word(key)));
    const head = make("div", { class: "card-head" }, this.state, ...hints);
    const foot = make("div", { class: "card-foot" }, this.whole, this.mark);
    const name = word("candidate", { n: candidate.position + 1 });
    this.element = make("section", { class: "candidate", "aria-label": name }, head, this.verse, foot);
    this.element.dataset.candidate = candidate.id;
    for (let line = 0; line < (inspiration.lines ?? 1); line += 1) this.#add();
    this.render();
  }

  render() {
    const { candidate } = this;
    const { ended, status } = candidate;
    const shown = this.#visible();
    write(this.state, this.#state(shown));
    this.element.dataset.status = status;
    this.verse.setAttribute("aria-busy", String(status === "running"));
    const texts = shown.split("\n");
    while (this.lines.length < texts.length) this.#add();
    while (ended && this.lines.length > Math.max(1, texts.length)) this.lines.pop().remove();
    this.lines.forEach((line, index) => this.#fill(line, texts[index] ?? "", ended || index < texts.length - 1));
    this.whole.disabled = !ended || !shown.trim();
    write(this.mark, candidate.taken ? word("taken") : "");
  }

  #state(shown) {
    const { status, error } = this.candidate;
    if (status === "failed" && error?.message) return `${word("failed")} ${error.message}`;
    if (status === "interrupted" && !shown.trim()) return word("failed");
    if (status === "done" && this.candidate.conforms === false) return word("out_of_form");
    return word(STATES[status] ?? status);
  }

  /** Where she asked for less motion, a line appears when it is whole. */
  #visible() {
    const { text, ended } = this.candidate;
    const trimmed = ended ? text.trimEnd() : text;
    if (ended || !still.matches) return trimmed;
    return trimmed.slice(0, trimmed.search(/[^\n。！？.!?]*$/));
  }

  #add() {
    const button = make("button", { class: "verse-line", type: "button", disabled: true });
    button.addEventListener("click", () => this.#takeLine(button.textContent));
    this.lines.push(button);
    this.verse.append(button);
  }

  #fill(button, text, whole) {
    write(button, text);
    const disabled = !whole || !text.trim();
    if (button.disabled !== disabled) button.disabled = disabled;
    if (disabled) button.removeAttribute("aria-label");
    else button.setAttribute("aria-label", word("take_line_named", { line: text }));
  }

  #takeLine(text) {
    this.take(this.candidate, text.trim(), false);
  }

  #takeWhole() {
    this.take(this.candidate, this.candidate.text.trim(), true);
  }
}
