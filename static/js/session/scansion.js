// What is to be said of a finished poem, quietly below it: length, tones and rhyme, and why; and the lines that are old.

import { make } from "./dom.js";
import { legendOf, scanOf } from "./lesson.js";
import { lineIn } from "./pins.js";
import { faultsByPlace, leads, nameOf, signOf, signWanted, signsIn, step } from "./tones.js";
import { word } from "./words.js";

export class Scansion {
  /** Of one card. `ports`: read(path), hideVerse() no more of this, changed() the old lines are known. */
  constructor({ candidate, language, ports }) {
    Object.assign(this, { candidate, language, ports });
    this.asked = null; // the poem that the answer is about
    this.sources = new Map(); // by line: the sentence
    this.element = make("div", { class: "scansion" });
  }

  /** Asks anew where the poem, as she has it, is another than the one that was judged. */
  async look(poem) {
    if (this.asked === poem) return;
    this.asked = poem;
    const told = await this.ports.read(`candidates/${this.candidate.id}/verdict`);
    if (this.asked !== poem) return;
    if (!told) return (this.asked = null);
    this.sources = new Map(told.sources.map((each) => [each.line, sourceSentence(each)]));
    this.#draw(told);
    this.ports.changed();
  }

  #draw({ verdict, sources }) {
    const rows = this.asked.split("\n");
    const old = sources.map((each) => make("li", {}, word("source_line", { n: lineIn(rows, each.line) + 1, said: sourceSentence(each) })));
    const parts = old.length ? [make("ul", { class: "sources", "aria-label": word("sources") }, ...old)] : [];
    if (verdict) parts.push(this.#verdict(verdict));
    this.element.replaceChildren(...parts);
  }

  #verdict(verdict) {
    const { checks, rhyme, opening } = verdict;
    const facts = [rhyme, opening].filter(Boolean).map((fact) => make("li", { lang: "zh-Hans" }, fact));
    const row = make("ul", { class: "checks", "aria-label": word("verdict") }, ...checks.map(checked), ...facts);
    const faults = checks.flatMap((check) => check.faults.map(({ message }) => make("li", {}, message)));
    const wrong = faults.length ? [make("ul", { class: "faults" }, ...faults)] : [];
    const why = verdict.counted || verdict.lines.some(({ wanted }) => wanted) ? [this.#why(verdict)] : [];
    return make("div", { class: "verse-said" }, row, ...wrong, ...why);
  }

  #why(verdict) {
    const parts = verdict.counted ? [countedOut(verdict, this.language)] : this.#tones(verdict);
    const hide = make("button", { class: "text-button", type: "button", onclick: () => this.ports.hideVerse() }, word("verse_hide"));
    const open = this.element.querySelector(".why")?.open ?? false; // as she left it, when a line of the poem is another
    return make("details", { class: "why", open }, make("summary", {}, word("why")), make("div", {}, ...parts, hide));
  }

  #tones(verdict) {
    const said = make("p", { class: "reading" }, word("why_hint"));
    const poem = scanned(verdict, this.language, (text) => said.replaceChildren(text));
    const signs = verdict.lines.flatMap(({ tones, wanted }) => [...[...tones].map(signOf), ...[...wanted].map(signWanted)]);
    return [poem, said, legendOf(signsIn(signs)), ...verdict.reasons.map((reason) => make("p", { class: "help" }, reason))];
  }
}

/** Verse that counts syllables: how many each line has, and how many it should. */
function countedOut({ lines }, language) {
  const row = ({ text, tones, wanted }) => [make("span", {}, text), make("span", { class: "size" }, word("syllables_of", { n: tones, wanted }))];
  return make("ol", { class: "scan", lang: language }, ...lines.map((line) => make("li", {}, ...row(line))));
}

function checked({ label, right }) {
  const sign = make("span", { class: "sign", "aria-hidden": "true" }, right ? "✓" : "✗");
  const heard = make("span", { class: "visually-hidden" }, word(right ? "check_right" : "check_wrong"));
  return make("li", { class: right ? "right" : "wrong" }, sign, label, heard);
}

/** A poem whose characters tell their tone; one of them is in the order of the tab key, the arrows lead on from there. */
function scanned(verdict, language, say) {
  const faults = faultsByPlace(verdict.checks);
  const row = (line, at) => [...line.text].map((char, place) => cell(verdict, line, char, place, faults.get(`${at}/${place}`), say));
  const rows = verdict.lines.map(row);
  const list = make("ol", { class: `${scanOf(verdict.lines)} judged`, lang: language }, ...rows.map((cells) => make("li", {}, ...cells)));
  const tab = (to) => rows.flat().forEach((each) => (each.tabIndex = each === to ? 0 : -1));
  const lengths = rows.map(({ length }) => length);
  tab(rows[0]?.[0]);
  list.addEventListener("focusin", ({ target }) => tab(target.closest("button")));
  list.addEventListener("keydown", (event) => {
    if (!leads(event)) return;
    event.preventDefault();
    event.stopPropagation(); // an arrow that leads no further judges nothing either
    const button = event.target.closest("button");
    const line = rows.findIndex((cells) => cells.includes(button));
    const to = step([line, rows[line].indexOf(button)], event.key, lengths);
    if (to) rows[to[0]][to[1]].focus();
  });
  return list;
}

function cell({ readings }, { tones, wanted }, char, place, fault, say) {
  const sentence = fault ?? [char, reading(readings[char], tones[place]), ...want(wanted[place])].join(word("comma"));
  const [above, below] = [signWanted(wanted[place]), signOf(tones[place])].map((sign) => make("span", { class: "sign", "aria-hidden": "true" }, sign));
  const show = () => say(sentence);
  const properties = { class: `cell${fault ? " wrong" : ""}`, type: "button", "aria-label": sentence, onfocus: show, onclick: show, onpointerenter: show };
  return make("button", properties, above, make("span", {}, char), below);
}

function want(wanted) {
  const name = nameOf(signWanted(wanted));
  if (!name) return [];
  return [name === "tone_free" ? word("wanted_free") : word("wanted", { wanted: word(name) })];
}

function reading(known, tone) {
  const name = word(nameOf(signOf(tone)) ?? "tone_unknown");
  return known?.rhymes.length ? word("reading", { tone: name, rhymes: known.rhymes.join(word("comma")) }) : name;
}

function sourceSentence({ dynasty, author, title, near, old }) {
  const whose = dynasty ? word("source_author", { author, dynasty }) : author;
  return word(near ? "source_near" : "source_exact", { author: whose, title, old });
}
