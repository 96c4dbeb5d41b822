// Judging what came: one quiet row under two finished texts, stars at each. It goes to the server by itself, beside the
// socket, and shows what the server answers; nothing here is in the way of writing.

import { make, write } from "./dom.js";
import { CHOICES, Judging } from "./judging.js";
import { Stars } from "./stars.js";
import { word } from "./words.js";

const KEYS = { first: "←", tie: "=", both_bad: "0", second: "→" };

export class Rating {
  /** `ports`: post(path, body) answers or throws a sentence, say(sentence), tags (codes), ledger (address). */
  constructor({ told, places, ports }) {
    Object.assign(this, { told, places, ports });
    this.judging = new Judging(places.map(({ candidate }) => candidate.id));
    this.judging.hear(told.rating, 0);
    this.asking = false;
    this.sending = Promise.resolve();
    this.cards = places.map((place) => this.#card(place));
    this.row = this.#row();
    this.said = make("p", { class: "rating-said", role: "status" });
    this.more = make("div", { class: "rating-more", hidden: true }, this.#tags(), this.#turns());
    this.question = this.#question();
    this.element = make("div", { class: "rating", hidden: true }, this.row, this.said, this.question, this.more);
    this.render();
  }

  /** Whether both texts can be compared now. */
  get ready() {
    return this.places.length === 2 && this.places.every(({ candidate }) => finished(candidate));
  }

  hear(told, at) {
    if (this.judging.hear(told, at)) this.render();
  }

  render() {
    const { judging } = this;
    this.element.hidden = !this.ready && !this.asking;
    this.row.hidden = !this.ready;
    for (const [choice, button] of this.choices) button.setAttribute("aria-pressed", String(judging.choice === choice));
    for (const [tag, button] of this.chips) {
      button.setAttribute("aria-pressed", String(judging.comparison?.tags.includes(tag) ?? false));
    }
    this.more.hidden = !judging.comparison;
    this.question.hidden = !this.asking;
    this.consent.checked = judging.comparison?.consent ?? false;
    for (const card of this.cards) this.#renderCard(card);
  }

  choose(choice) {
    if (this.judging.choice === choice) return this.undo();
    return this.#compare(this.judging.comparing(choice), word("rate_kept", { what: word(`rate_${choice}`) }));
  }

  score(candidate, line, score) {
    const kept = word("rate_kept", { what: word("star", { n: score }) });
    return this.#send(`candidates/${candidate}/score`, { score, line }, kept);
  }

  undo(rating = this.judging.comparison) {
    if (rating) this.#send(`/ratings/${rating.id}/withdraw`, {}, word("rate_undone"));
  }

  #compare(body, kept) {
    return this.#send(`inspirations/${this.told.id}/compare`, body, kept);
  }

  /** One after the other, so that what was said last stands. */
  #send(path, body, kept) {
    this.sending = this.sending.then(async () => {
      try {
        const answer = await this.ports.post(path, body);
        if (answer.ask) this.asking = true;
        write(this.said, "");
        if (answer.rating) this.hear(answer.rating, answer.at_ms);
        this.ports.say(kept);
      } catch (fault) {
        write(this.said, fault.message);
        this.element.hidden = false;
      }
      this.render();
    });
    return this.sending;
  }

  #row() {
    const button = (choice) => {
      const text = word(`rate_${choice}`);
      const title = word("rate_key", { key: KEYS[choice] });
      return make("button", { class: "judge", type: "button", title, onclick: () => this.choose(choice) }, text);
    };
    this.choices = new Map(CHOICES.map((choice) => [choice, button(choice)]));
    return make("div", { class: "rating-row", role: "group", "aria-label": word("rate_which") }, ...this.choices.values());
  }

  #tags() {
    const toggle = (tag) => this.#compare(this.judging.comparing(this.judging.choice, this.judging.toggled(tag)), word("rate_tagged"));
    const chip = (tag) => make("button", { class: "tag", type: "button", onclick: () => toggle(tag) }, word(`tag_${tag}`));
    this.chips = new Map(this.ports.tags.map((tag) => [tag, chip(tag)]));
    return make("div", { class: "tags", role: "group", "aria-label": word("rate_why") }, ...this.chips.values());
  }

  #turns() {
    this.consent = make("input", { type: "checkbox", onchange: () => this.#allow() });
    const consent = make("label", { class: "check" }, this.consent, make("span", {}, word("rate_consent")));
    const undo = make("button", { class: "text-button", type: "button", title: word("rate_key", { key: "U" }), onclick: () => this.undo() }, word("rate_undo"));
    const ledger = make("a", { class: "text-button", href: this.ports.ledger }, word("rate_ledger"));
    return make("div", { class: "rating-turns" }, consent, undo, ledger);
  }

  #allow() {
    const consent = this.consent.checked;
    this.#send(`/ratings/${this.judging.comparison.id}/consent`, { consent }, word(consent ? "consent_given" : "consent_taken"));
  }

  /** Asked once, in place. Whoever does not answer has not agreed. */
  #question() {
    const answer = (consents) => () => {
      this.asking = false;
      const rating = this.judging.comparison ?? this.judging.scores.at(-1);
      this.#send("/ratings/consent", { consents, rating: rating?.id ?? null }, word(consents ? "consent_given" : "consent_taken"));
      this.choices.get(this.judging.choice ?? "first").focus();
    };
    const button = (key, consents) => make("button", { class: "button second", type: "button", onclick: answer(consents) }, word(key));
    const buttons = make("div", { class: "rating-turns" }, button("consent_yes", true), button("consent_no", false));
    return make("div", { class: "question", role: "group", "aria-label": word("consent_title"), hidden: true }, make("p", {}, word("consent_ask")), buttons);
  }

  #card({ candidate, card }) {
    const whole = this.#stars(candidate, null, word("stars_text"));
    const wrote = make("p", { class: "wrote" });
    const lines = make("div", { class: "line-stars" });
    const byLine = make("details", { class: "by-line" }, make("summary", {}, word("by_line")), lines);
    const element = make("div", { class: "card-rating", inert: true }, whole.element, byLine, wrote);
    card.element.append(element);
    return { candidate, element, whole, byLine, lines, wrote, each: [] };
  }

  #stars(candidate, line, label) {
    const undone = () => this.undo(this.judging.score(candidate.id, line));
    return new Stars({ label, said: (n) => this.score(candidate.id, line, n), undone });
  }

  #renderCard(card) {
    const { candidate, whole, wrote, each } = card;
    card.element.inert = !finished(candidate);
    if (card.element.inert) return;
    if (!each.length) this.#addLines(card);
    whole.show(this.judging.score(candidate.id)?.score ?? null);
    each.forEach((stars, line) => stars?.show(this.judging.score(candidate.id, line)?.score ?? null));
    const adapter = this.judging.wrote?.[candidate.id];
    write(wrote, adapter === undefined ? "" : adapter ? word("wrote", { name: adapter }) : word("wrote_base"));
  }

  #addLines({ candidate, byLine, lines, each }) {
    const texts = candidate.text.trimEnd().split("\n");
    texts.forEach((text, line) => {
      if (!text.trim()) return each.push(null);
      const stars = this.#stars(candidate, line, word("stars_line", { line: text.trim() }));
      each.push(stars);
      lines.append(make("p", { class: "line-text", lang: this.told.language }, text.trim()), stars.element);
    });
    byLine.hidden = texts.length < 2;
  }
}

function finished(candidate) {
  return candidate.ended && candidate.text.trim() !== "";
}
