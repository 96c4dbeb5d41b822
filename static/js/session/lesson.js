// What the chosen form is: a sentence, its pattern over a poem of old, and what the signs mean. Folded away, it stays so.

import { make } from "./dom.js";
import { nameOf, signsIn } from "./tones.js";
import { word } from "./words.js";

const OPEN = "bailu lesson open";
const WIDE = "(min-width: 1100px)"; // elsewhere it would stand before everything she came for
const LONGEST = 8; // characters, with the mark
const MARK = /[\p{P}\p{Z}]/u;

export class Lesson {
  /** `read(path)` answers what the server tells, or null. */
  constructor({ place, read }) {
    Object.assign(this, { place, read });
    this.told = new Map(); // by form
    this.form = null;
    this.title = make("summary", {});
    this.body = make("div", { class: "lesson-body" });
    place.append(this.title, this.body);
    place.open = JSON.parse(localStorage.getItem(OPEN) ?? String(matchMedia(WIDE).matches));
    this.title.addEventListener("click", () => localStorage.setItem(OPEN, String(!place.open)));
  }

  async show(form) {
    this.form = form;
    this.title.replaceChildren(word("lesson", { form: word(`form_${form}`) }));
    this.place.setAttribute("aria-busy", "true");
    const told = this.told.get(form) ?? (await this.read(`/forms/${form}`));
    if (told) this.told.set(form, told);
    if (this.form !== form) return; // she has chosen another since
    this.place.setAttribute("aria-busy", "false");
    this.body.replaceChildren(...(told ? this.#drawn(told) : [make("p", { class: "help" }, word("lesson_lost"))]));
  }

  #drawn({ about, lessons }) {
    const poem = make("div", { class: "lesson-poem" });
    const show = (lesson) => poem.replaceChildren(scanned(lesson), source(lesson), ...legend(lesson));
    if (lessons.length) show(lessons[0]);
    return [make("p", { class: "about" }, about), ...(lessons.length > 1 ? [openings(lessons, show)] : []), poem];
  }
}

function openings(lessons, show) {
  const choices = lessons.map((lesson, at) => {
    const radio = make("input", { type: "radio", name: "lesson-opening", checked: at === 0 });
    radio.addEventListener("change", () => show(lesson));
    return make("label", { class: "choice" }, radio, make("span", {}, lesson.opening));
  });
  return make("div", { class: "openings", role: "group", "aria-label": word("lesson_openings") }, ...choices);
}

/** The poem, with the pattern's sign over each of its characters; those who listen hear the line and then its tones. */
function scanned({ lines, language }) {
  return make("ol", { class: scanOf(lines), lang: language }, ...lines.map((line) => make("li", line.text ? {} : { class: "gap" }, ...row(line))));
}

/** Short lines stand in couplets, two to a row. */
export function scanOf(lines) {
  const paired = lines.length % 2 === 0 && lines.every(({ text }) => text && [...text].length <= LONGEST);
  return paired ? "scan paired" : "scan";
}

function row({ text, marks, size, rhyme }) {
  if (!marks) return [make("span", {}, text), make("span", { class: "size number" }, [size, rhyme].filter(Boolean).join(" · "))];
  const signs = [...marks].values();
  const cells = [...text].map((char) => cell(char, MARK.test(char) ? "" : signs.next().value));
  const heard = [...marks].map((sign) => word(nameOf(sign))).join(" ");
  return [make("span", { "aria-hidden": "true" }, ...cells), make("span", { class: "visually-hidden" }, `${text} ${heard}`)];
}

function cell(char, sign) {
  return make("span", { class: "cell" }, make("span", { class: "sign" }, sign), make("span", {}, char));
}

function source({ author, when, title, language }) {
  return make("p", { class: "help source" }, make("span", { lang: language }, word("lesson_source", { author, when, title })));
}

function legend({ lines }) {
  const signs = signsIn(lines.map(({ marks }) => marks));
  if (signs.length) return [legendOf(signs)];
  if (!lines.some(({ size }) => size)) return [];
  return [make("p", { class: "help" }, word(lines.some(({ rhyme }) => rhyme) ? "lesson_counts_rhymed" : "lesson_counts"))];
}

export function legendOf(signs) {
  const meant = signs.map((sign) => make("span", {}, `${sign} ${word(nameOf(sign))}`));
  return make("p", { class: "legend-signs", "aria-hidden": "true" }, ...meant);
}
