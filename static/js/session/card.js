// One candidate as a card: its state in words, its verse line by line, and what she can take of it.

import { make, write } from "./dom.js";
import { Pins, lineIn } from "./pins.js";
import { Scansion } from "./scansion.js";
import { Swaps } from "./swaps.js";
import { word } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const STATES = { running: "writing", done: "written" }; // the others are called as they are

export class Card {
  /**
   * `take(text, whole)` puts a text into the manuscript; `ports` are those of `Swaps` and `Scansion`, which only a poem
   * has, and pins, a memory, and again(inspiration) to ask once more.
   */
  constructor({ candidate, inspiration, take, ports }) {
    Object.assign(this, { candidate, inspiration, take, ports });
    this.#poem({ ...ports, changed: () => this.render() });
    this.lines = []; // {row, line, pin, swap, restore, old}
    this.below = make("div", { class: "swaps" });
    this.state = make("p", { class: "card-state" });
    this.verse = make("div", { class: "verse", lang: this.language });
    const whole = { class: "text-button", type: "button", onclick: () => this.#takeWhole() };
    this.whole = make("button", whole, word(inspiration.kind === "poem" ? "take_poem" : "take_whole"));
    this.mark = make("span", { class: "taken" });
    const hints = ["take_line", "tap_line"].map((key) => make("span", { class: key, "aria-hidden": "true" }, word(key)));
    const head = make("div", { class: "card-head" }, this.state, ...hints);
    const foot = make("div", { class: "card-foot" }, this.whole, this.keep, this.mark);
    const name = word("candidate", { n: candidate.position + 1 });
    this.element = make("section", { class: "candidate", "aria-label": name }, head, this.verse, ...this.#poemsOwn, foot);
    this.element.dataset.candidate = candidate.id;
    for (let line = 0; line < (inspiration.lines ?? 1); line += 1) this.#add();
    this.render();
  }

  /** Of the text, for its glyphs. */
  get language() {
    return this.inspiration.options?.script === "hant" ? "zh-Hant" : this.inspiration.language;
  }

  /** What a poem has, and a line or a continuation has not. */
  #poem(ports) {
    const { candidate, inspiration } = this;
    const is = inspiration.kind === "poem";
    this.swaps = is ? new Swaps({ candidate, ports }) : null;
    this.pins = is ? new Pins({ id: candidate.id, kept: inspiration.options?.pins, memory: ports.pins }) : null;
    this.scansion = is ? new Scansion({ candidate, language: this.language, ports }) : null;
    this.keep = make("button", { class: "text-button keep", type: "button", hidden: true, onclick: () => this.#askKeeping() }, word("pin_ask"));
  }

  /** Below the verse of a poem. */
  get #poemsOwn() {
    return this.swaps ? [this.below, this.swaps.said, this.scansion.element] : [];
  }

  render() {
    const { candidate } = this;
    const { ended, status } = candidate;
    const shown = this.#visible();
    write(this.state, this.#state(shown));
    this.element.dataset.status = status;
    this.verse.setAttribute("aria-busy", String(status === "running"));
    const texts = shown.split("\n");
    const kept = this.swaps?.kept ?? new Map();
    while (this.lines.length < texts.length) this.#add();
    while (ended && this.lines.length > Math.max(1, texts.length)) this.lines.pop().row.remove();
    const rows = this.lines.map((_, index) => kept.get(index) ?? texts[index] ?? "");
    this.lines.forEach((line, index) => {
      this.#fill(line.line, rows[index], ended || index < texts.length - 1);
      this.#offer(line, texts[index] ?? "", kept.has(index), index);
    });
    const panels = this.lines.flatMap((_, index) => this.swaps?.panels(index) ?? []);
    if (panels.length !== this.below.childElementCount) this.below.replaceChildren(...panels); // or focus would be lost
    this.keep.hidden = !this.#may || !this.pins.of(rows).length;
    this.#scan(rows.join("\n"));
    this.whole.disabled = !ended || !shown.trim();
    write(this.mark, candidate.taken ? word("taken") : "");
  }

  /** Whether its lines can be swapped and kept. */
  get #may() {
    return this.swaps !== null && this.candidate.status === "done" && this.candidate.conforms !== false;
  }

  /** What stands there now. */
  get #rows() {
    return this.lines.map(({ line }) => line.textContent);
  }

  /** Judged when it is finished and seen. */
  #scan(poem) {
    const seen = this.element.closest("details")?.open;
    if (this.scansion && seen && this.candidate.status === "done") this.scansion.look(poem);
  }

  /** Once more the same wish; the lines she keeps stand where they are. */
  #askKeeping() {
    const { inspiration } = this;
    const pins = this.pins.of(this.#rows);
    this.ports.again({ ...inspiration, options: { ...inspiration.options, pins } });
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
    const at = this.lines.length;
    const line = make("button", { class: "verse-line", type: "button", disabled: true });
    line.addEventListener("click", () => this.#takeLine(line.textContent));
    const swap = make("button", { class: "swap-line", type: "button", hidden: !this.swaps, disabled: true, onclick: () => this.swaps.ask(at) });
    const pin = make("button", { class: "pin-line", type: "button", hidden: !this.pins, disabled: true, onclick: () => (this.pins.toggle(lineIn(this.#rows, at)), this.render()) });
    const old = make("span", { class: "old-line", role: "img", hidden: true });
    const restore = make("button", { class: "restore-line", type: "button", hidden: true, onclick: () => this.swaps.restore(at) });
    const row = make("div", { class: "verse-row" }, line, old, restore, pin, swap);
    this.lines.push({ row, line, pin, swap, restore, old });
    this.verse.append(row);
  }

  /** Other lines for this one, and back to the first where she has chosen another; to keep it; and whose it was long ago. */
  #offer({ row, line, pin, swap, restore, old }, first, kept, at) {
    const may = this.#may && first.trim() !== "";
    const pinned = may && this.pins.has(lineIn(this.#rows, at));
    const source = this.scansion?.sources.get(at);
    swap.disabled = pin.disabled = !may;
    row.classList.toggle("pinned", pinned);
    pin.setAttribute("aria-pressed", String(pinned));
    old.hidden = !source;
    write(old, source ? word("source_mark") : "");
    if (source) old.title = old.ariaLabel = source;
    if (may) pin.title = pin.ariaLabel = word("pin_line", { line: line.textContent });
    restore.hidden = !kept;
    if (may) swap.title = swap.ariaLabel = word("swap_line", { line: line.textContent });
    if (kept) restore.title = restore.ariaLabel = word("swap_restore", { line: first });
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
    const kept = this.swaps?.kept ?? new Map();
    const lines = this.candidate.text.trim().split("\n");
    this.take(this.candidate, lines.map((line, at) => kept.get(at) ?? line).join("\n"), true);
  }
}
