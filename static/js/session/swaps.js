// Other lines for a poem: two to choose from below the line they would stand for. Choosing is told to the server; what a
// poem then is follows from what was chosen, so that a reload and another tab show the same.

import { make, write } from "./dom.js";
import { Patience } from "./patience.js";
import { uuid } from "./uuid.js";
import { word } from "./words.js";

/** One of two lines, as a card is for a text. */
class Choice {
  constructor(candidate, choose) {
    this.candidate = candidate;
    this.element = make("button", { class: "swap-choice", type: "button", disabled: true, onclick: choose });
  }

  render() {
    const { ended, status, text, error } = this.candidate;
    const good = status === "done" && text.trim();
    write(this.element, ended && !good ? (error?.message ?? word("failed")) : text);
    this.element.disabled = !good;
    this.element.setAttribute("aria-busy", String(!ended));
  }
}

export class Swaps {
  /** Of one card. `ports`: send(message), post(path, body), say(sentence), changed() the poem is another now. */
  constructor({ candidate, ports }) {
    Object.assign(this, { candidate, ports });
    this.asked = []; // {told, choices, panel}, oldest first
    this.sent = new Map(); // by key: what is not answered yet
    this.said = make("p", { class: "swap-said", role: "status" });
    this.patience = new Patience((...said) => this.#say(...said));
  }

  /** The lines that she chose instead, by line. */
  get kept() {
    const chosen = this.asked.filter(({ told }) => this.#chosen(told)).sort((one, other) => one.at - other.at);
    return new Map(chosen.map(({ told }) => [told.line, this.#chosen(told)]));
  }

  /** Only one waits for its turn: the line that she asked for last. */
  ask(line) {
    this.patience.end();
    this.#send({ type: "swap", key: uuid(), candidate: this.candidate.id, line });
  }

  #send(message) {
    const went = this.ports.send(message);
    if (went) this.sent.set(message.key, message);
    this.#say(went ? "" : word("turn_waits"));
  }

  /** Whether a `busy` or an `error` is about a line of this poem; some name the poem instead of the ask. */
  refused(message) {
    const of = message.key ?? message.ref;
    const asked = this.sent.get(of) ?? (of === this.candidate.id && [...this.sent.values()].at(-1));
    if (!asked) return false;
    this.sent.delete(asked.key);
    if (message.type === "busy") this.patience.wait(message, () => this.#send(asked), () => this.#settle());
    else this.#say(message.message);
    return true;
  }

  #settle() {
    this.patience.end();
    this.#say("");
  }

  #say(text, ...more) {
    this.said.replaceChildren(...(text ? [text, " ", ...more] : []));
  }

  /** Two lines are on their way, or were. Answers their views by candidate, to be drawn as text comes. */
  add(told, candidates, { fresh }) {
    this.sent.delete(told.key);
    const one = { told, at: told.created_ms };
    one.choices = candidates.map((candidate) => new Choice(candidate, () => this.#choose(one, candidate)));
    const leave = make("button", { class: "text-button", type: "button", onclick: () => this.#leave(one) }, word("swap_leave"));
    const named = { class: "swap-choices", role: "group", "aria-label": word("swap_choices"), hidden: !fresh };
    one.panel = make("div", named, ...one.choices.map(({ element }) => element), leave);
    for (const earlier of this.asked) if (earlier.told.line === told.line) earlier.panel.hidden = true;
    for (const choice of one.choices) choice.render();
    this.asked.push(one);
    this.ports.changed();
    return one.choices;
  }

  panels(line) {
    return this.asked.filter(({ told }) => told.line === line).map(({ panel }) => panel);
  }

  hear(inspiration, rating, at) {
    const one = this.asked.find(({ told }) => told.id === inspiration);
    if (!one || !rating) return;
    one.told.rating = rating;
    if (rating.comparison) one.at = at;
    this.ports.changed();
  }

  /** The line as the model first wrote it. */
  async restore(line) {
    for (const one of this.asked.filter(({ told }) => told.line === line && this.#chosen(told))) {
      await this.#tell(one, `/ratings/${one.told.rating.comparison.id}/withdraw`, {});
    }
    this.ports.say(word("swap_restored"));
  }

  #chosen({ id, rating }) {
    const better = rating?.comparison?.candidate;
    return better && this.asked.find(({ told }) => told.id === id).choices.find(({ candidate }) => candidate.id === better)?.candidate.text;
  }

  async #choose(one, candidate) {
    const body = { kind: "prefer", candidate: candidate.id };
    if (!(await this.#tell(one, `inspirations/${one.told.id}/compare`, body))) return;
    one.panel.hidden = true;
    this.ports.say(word("swap_kept", { line: candidate.text }));
  }

  #leave(one) {
    one.panel.hidden = true;
    this.ports.changed();
  }

  async #tell(one, path, body) {
    try {
      const told = await this.ports.post(path, body);
      this.hear(one.told.id, told.rating, told.at_ms);
      if (!this.patience.waiting) this.#say("");
      return true;
    } catch (fault) {
      this.patience.end();
      this.#say(fault.message);
      return false;
    }
  }
}
