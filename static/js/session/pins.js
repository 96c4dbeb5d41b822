// The lines of a poem that she wants to keep when she asks again. No page is needed here.

const MARKS = /[，。？！、；：,.;:?!]+$/u;

export class Pins {
  /** `kept` are lines that were asked for already; `memory` has get(id) and set(id, lines), so that a reload forgets nothing. */
  constructor({ id, kept = [], memory }) {
    Object.assign(this, { id, memory });
    this.lines = new Set(memory.get(id) ?? kept.map(([line]) => line));
  }

  has(line) {
    return this.lines.has(line);
  }

  toggle(line) {
    if (!this.lines.delete(line)) this.lines.add(line);
    this.memory.set(this.id, [...this.lines]);
  }

  /** As an ask has them: place and words, without the mark at the end. */
  of(texts) {
    const there = [...this.lines].sort((one, other) => one - other).filter((line) => texts[line]?.trim());
    return there.map((line) => [line, texts[line].trim().replace(MARKS, "")]);
  }
}

/** Remembers as long as the tab lives. */
export function pinsOf(where) {
  const name = `bailu pins ${where}`;
  const all = JSON.parse(sessionStorage.getItem(name) ?? "{}");
  return {
    get: (id) => all[id],
    set: (id, lines) => ((all[id] = lines), sessionStorage.setItem(name, JSON.stringify(all))),
  };
}
