// The lines of a poem that she wants to keep when she asks again, counted without the empty ones. No page is needed here.

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
  of(rows) {
    const written = rows.filter((text) => text.trim());
    const there = [...this.lines].sort((one, other) => one - other).filter((line) => line < written.length);
    return there.map((line) => [line, written[line].trim().replace(MARKS, "")]);
  }
}

/** The line that stands in a row; rows may be empty, between stanzas. */
export function lineIn(rows, row) {
  return rows.slice(0, row).filter((text) => text.trim()).length;
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
