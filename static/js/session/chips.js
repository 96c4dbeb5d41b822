// Words in a row, each of which can be changed or taken away, with room for one more at the end. A change touches its own
// word and no other: a row drawn anew would swallow the click that ended it, and lose her place.

import { make } from "./dom.js";
import { word } from "./words.js";

export class Chips {
  /** `names` are the keys of its sentences: list, chip, add, remove. `changed(chips)` is called after each change of hers. */
  constructor({ chips, most, longest, names, changed }) {
    Object.assign(this, { most, longest, names, changed });
    this.element = make("ul", { class: "chips", "aria-label": word(names.list) });
    this.show(chips);
  }

  show(chips) {
    this.chips = chips;
    this.room = this.#room();
    this.last = make("li", {}, this.room);
    this.element.replaceChildren(...chips.map((chip) => this.#chip(chip)), this.last);
  }

  /** One more, unless it is there already or the row is full. */
  add(chip) {
    if (this.chips.includes(chip) || this.chips.length >= this.most) return;
    this.last.before(this.#chip(chip));
    this.#change([...this.chips, chip]);
  }

  #room() {
    const room = make("input", { class: "chip", maxLength: this.longest, placeholder: word(this.names.add), "aria-label": word(this.names.add) });
    const added = () => {
      const chip = room.value.trim();
      room.value = ""; // or leaving it would tell of it once more
      if (chip) this.add(chip);
    };
    room.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), event.stopPropagation(), added()));
    room.addEventListener("change", added);
    room.hidden = this.chips.length >= this.most;
    return room;
  }

  #chip(chip) {
    const text = make("input", { class: "chip", value: chip, maxLength: this.longest, "aria-label": word(this.names.chip) });
    const away = make("button", { class: "chip-away", type: "button", "aria-label": word(this.names.remove, { chip }) }, "×");
    const one = make("li", {}, text, away);
    text.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), text.blur()));
    text.addEventListener("change", () => this.#changed(one, text, away));
    away.addEventListener("click", () => this.#without(one, true));
    return one;
  }

  #changed(one, text, away) {
    const chip = text.value.trim();
    if (!chip) return void setTimeout(() => this.#without(one, one.contains(document.activeElement))); // the focus may be on its way into it
    text.value = chip;
    away.setAttribute("aria-label", word(this.names.remove, { chip }));
    this.#change(this.chips.with(this.#place(one), chip));
  }

  /** `here`: her place is the next word then. */
  #without(one, here) {
    const at = this.#place(one);
    if (at < 0) return;
    one.remove();
    this.#change(this.chips.filter((_, place) => place !== at));
    if (here) this.#inputs[at].focus();
  }

  #place(one) {
    return [...this.element.children].indexOf(one);
  }

  get #inputs() {
    return [...this.element.querySelectorAll("input")];
  }

  #change(chips) {
    this.chips = chips;
    const full = chips.length >= this.most;
    if (full && document.activeElement === this.room) this.#inputs.at(-2).focus();
    this.room.hidden = full;
    this.changed(chips);
  }
}
