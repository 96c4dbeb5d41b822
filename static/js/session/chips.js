// Words in a row, each of which can be changed or taken away, with room for one more at the end.

import { make } from "./dom.js";
import { word } from "./words.js";

export class Chips {
  /** `names` are the keys of its sentences: list, chip, add, remove. `changed(chips)` is called after each change of hers. */
  constructor({ chips, most, longest, names, changed }) {
    Object.assign(this, { chips, most, longest, names, changed });
    this.element = make("ul", { class: "chips", "aria-label": word(names.list) });
    this.#draw();
  }

  show(chips) {
    this.chips = chips;
    this.#draw();
  }

  #draw(focus = -1) {
    const shown = this.chips.map((chip, at) => this.#chip(chip, at));
    const add = make("input", { class: "chip", maxLength: this.longest, placeholder: word(this.names.add), "aria-label": word(this.names.add) });
    const added = () => {
      const chip = add.value.trim();
      add.value = ""; // or leaving the page's tree would tell of it once more
      if (chip) this.#change([...this.chips, chip], this.chips.length + 1);
    };
    add.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), event.stopPropagation(), added()));
    add.addEventListener("change", added);
    add.hidden = this.chips.length >= this.most;
    this.element.replaceChildren(...shown, make("li", {}, add));
    if (focus >= 0) [...this.element.querySelectorAll("input")].at(Math.min(focus, this.chips.length))?.focus();
  }

  #chip(chip, at) {
    const text = make("input", { class: "chip", value: chip, maxLength: this.longest, "aria-label": word(this.names.chip) });
    const others = this.chips.filter((_, place) => place !== at);
    text.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), text.blur()));
    text.addEventListener("change", () => this.#change(text.value.trim() ? this.chips.with(at, text.value.trim()) : others));
    const away = make("button", { class: "chip-away", type: "button", "aria-label": word(this.names.remove, { chip }) }, "×");
    away.addEventListener("click", () => this.#change(others, at));
    return make("li", {}, text, away);
  }

  #change(chips, focus = -1) {
    this.chips = chips;
    this.#draw(focus);
    this.changed(chips);
  }
}
