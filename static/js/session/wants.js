// What else she asks of a poem: the fields under "more", each only for the forms that take it. A field that is hidden keeps
// what stands in it and is not asked for.

import { Chips } from "./chips.js";
import { write } from "./dom.js";
import { word } from "./words.js";

const MOST_WORDS = 4;
const WORD = 20; // characters
const NAMES = { list: "want_words", chip: "want_word", add: "want_word_add", remove: "photo_chip_remove" };
const NUMBERS = ["size", "lines"];
const TEXTS = ["head", "rhyme", "book", "script"];

export class Wants {
  /**
   * `place` holds the fields; `rhymes` are [name, label] pairs by book, and under "tune" for forms that leave no choice of
   * books; `changed()` is called after each change of the words.
   */
  constructor({ place, rhymes, changed }) {
    Object.assign(this, { place, rhymes, changed });
    this.chosen = new Map(); // by book: a rhyme
    this.shown = null; // the book whose rhymes can be chosen now
    this.fields = new Map([...place.querySelectorAll("[data-want]")].map((element) => [element.dataset.want, element]));
    this.elements = place.closest("form").elements;
    this.words = new Chips({ chips: [], most: MOST_WORDS, longest: WORD, names: NAMES, changed: () => (this.#told(), changed()) });
    place.querySelector("[data-words]").append(this.words.element);
    this.elements.book.addEventListener("change", () => this.#fill());
    place.addEventListener("input", () => this.#told());
    this.#fill();
  }

  /** The fields for a form that takes these options. */
  take(options) {
    for (const [name, field] of this.fields) field.hidden = !options.includes(name);
    this.elements.book.hidden = !options.includes("book");
    this.#fill();
    this.place.hidden = options.length === 0;
    this.#told();
  }

  /** Only what she asked for. */
  get options() {
    const said = {};
    for (const name of TEXTS) if (this.elements[name].value.trim()) said[name] = this.elements[name].value.trim();
    for (const name of NUMBERS) if (Number(this.elements[name].value)) said[name] = Number(this.elements[name].value);
    if (this.words.chips.length) said.words = this.words.chips;
    if (this.elements.strict.checked) said.strict = true;
    if (said.book === "pingshui" || this.elements.book.hidden) delete said.book;
    if (said.script === "hans") delete said.script;
    return Object.fromEntries(Object.entries(said).filter(([name]) => !this.fields.get(name === "book" ? "rhyme" : name).hidden));
  }

  restore(options) {
    for (const name of ["book", "head", "script", ...NUMBERS]) if (options[name]) this.elements[name].value = options[name];
    this.#fill();
    if (options.rhyme) this.elements.rhyme.value = options.rhyme;
    this.elements.strict.checked = options.strict ?? false;
    this.words.show(options.words ?? []);
    this.#told();
  }

  /** The rhymes of the chosen book; each book keeps the one that was chosen of it. */
  #fill() {
    const { book, rhyme } = this.elements;
    if (this.shown) this.chosen.set(this.shown, rhyme.value);
    this.shown = book.hidden ? "tune" : book.value;
    const rhymes = this.rhymes[this.shown] ?? [];
    rhyme.replaceChildren(new Option(word("want_any"), ""), ...rhymes.map(([name, label]) => new Option(label, name)));
    rhyme.value = this.chosen.get(this.shown) ?? "";
  }

  /** Folded away, it still tells how much is asked for. */
  #told() {
    const n = Object.keys(this.options).length;
    write(this.place.querySelector("[data-asked]"), n ? word("want_n", { n }) : "");
  }
}
