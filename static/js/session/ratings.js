// All ratings of the page: which inspiration a key speaks of.

import { choiceOf, starsOf } from "./judging.js";
import { Rating } from "./rating.js";

export class Ratings {
  constructor({ post, tags, ledger, say }) {
    this.ports = { post, tags, ledger, say };
    this.known = new Map(); // by inspiration
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The row of an inspiration, to be put below its cards. */
  add(told, places) {
    const rating = new Rating({ told, places, ports: this.ports });
    this.known.set(told.id, rating);
    return rating.element;
  }

  settle(inspiration) {
    this.known.get(inspiration)?.render();
  }

  /** A later `hello`, or a `rated` message. */
  hear(inspiration, told, at) {
    this.known.get(inspiration)?.hear(told, at);
  }

  /** One key each, wherever nothing is being typed. */
  #key(event) {
    const { key, target } = event;
    if (event.repeat) return; // held down, it would judge and take back by turns
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    const rating = this.#spokenOf(target);
    if (rating && this.#means(rating, key, target)) event.preventDefault();
  }

  #means(rating, key, target) {
    const [choice, stars] = [choiceOf(key), starsOf(key)];
    const card = target.closest("[data-candidate]");
    if (choice && rating.ready) rating.choose(choice);
    else if (key.toLowerCase() === "u" && rating.judging.comparison) rating.undo();
    else if (stars && card) this.#stars(rating, card, target, stars);
    else return false;
    return true;
  }

  /** A line that has the focus is meant, else the text. */
  #stars(rating, card, target, stars) {
    const lines = [...card.querySelectorAll(".verse .verse-line")];
    const line = lines.indexOf(target.closest(".verse-line"));
    rating.score(card.dataset.candidate, line < 0 ? null : line, stars);
  }

  /** The one that holds the focus, else the newest that is open. */
  #spokenOf(target) {
    const all = [...this.known.values()];
    const holds = all.find(({ element }) => element.parentElement?.contains(target));
    return holds ?? all.reverse().find(({ ready, element }) => ready && element.parentElement?.open);
  }
}
