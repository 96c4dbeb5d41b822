// Whether the page speaks of tones and rhymes at all: one setting of this device, for the lesson and for every poem.

import { word } from "./words.js";

const HIDDEN = "bailu verse unsaid";

export class VerseSaid {
  constructor({ root, box, say }) {
    Object.assign(this, { root, box, say });
    box.checked = localStorage.getItem(HIDDEN) === null;
    box.addEventListener("change", () => this.#keep());
    this.#show();
  }

  /** Asked for at a poem; where to have it back is said. */
  hide() {
    this.box.checked = false;
    this.#keep();
    this.say(word("verse_hidden"));
    this.box.focus();
  }

  #keep() {
    if (this.box.checked) localStorage.removeItem(HIDDEN);
    else localStorage.setItem(HIDDEN, "1");
    this.#show();
  }

  #show() {
    this.root.classList.toggle("verse-unsaid", !this.box.checked);
  }
}
