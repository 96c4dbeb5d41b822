// Five small stars: the one that stands is pressed; pressing it again takes it back.

import { make } from "./dom.js";
import { word } from "./words.js";

const MOST = 5;

export class Stars {
  /** `said(n)` is called with a new score, `undone()` when the one that stands is pressed again. */
  constructor({ label, said, undone }) {
    this.score = null;
    this.buttons = Array.from({ length: MOST }, (_, index) => {
      const n = index + 1;
      const press = () => (this.score === n ? undone() : said(n));
      return make("button", { class: "star", type: "button", "aria-label": word("star", { n }), "aria-pressed": "false", onclick: press });
    });
    this.element = make("div", { class: "stars", role: "group", "aria-label": label }, ...this.buttons);
  }

  show(score) {
    this.score = score;
    this.buttons.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(index + 1 === score));
      button.classList.toggle("lit", index < (score ?? 0));
    });
  }
}
