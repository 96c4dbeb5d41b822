// What she asked for and what came of it: newest first, earlier ones folded and kept. Text arrives by position (candidate.js);
// this module draws it, acknowledges it, and asks for it again where it stays away.

import { Candidate } from "./candidate.js";
import { Card } from "./card.js";
import { make } from "./dom.js";
import { word } from "./words.js";

const ACK_EVERY = 2000; // characters: the server lets four texts at once owe ten times as many
const SILENCE = 10_000;
const LOOK_EVERY = 500;

export class Inspirations {
  /**
   * `ports`: send(message), take(text, apart) into the manuscript, again(inspiration) ask once more, post(path, body) and
   * read(path) over HTTP, pins (a memory), hideVerse() no more of tones, say(sentence) to those who listen, arrived(element) a new one stands in the list, ratings (null where she wants none).
   */
  constructor({ list, ports, now = () => performance.now() }) {
    Object.assign(this, { list, ports, now });
    this.known = new Map(); // by id: {told, candidates, cards, element, …}
    this.byCandidate = new Map(); // by id: {candidate, card, inspiration, heardAt, acked}
    this.stale = new Set();
    setInterval(() => this.#tick(), LOOK_EVERY);
  }

  get keys() {
    return new Set([...this.known.values()].map(({ told }) => told.key));
  }

  hello(inspirations, at) {
    for (const told of inspirations) {
      if (this.known.has(told.id)) this.#refresh(told, at);
      else this.#add(told, { announce: false });
    }
  }

  received(message) {
    if (message.type === "queued") return this.#queued(message.inspiration);
    const place = this.byCandidate.get(message.candidate);
    if (!place) return;
    place.heardAt = this.now();
    if (message.type === "taken") place.candidate.taken = true;
    else if (message.type === "end") place.candidate.end(message);
    else if (place.candidate[message.type](message) === false) this.#attach(place);
    if (message.type === "end") this.#ended(place);
    else this.#acknowledge(place);
    this.#draw(place);
  }

  /** What she says of one, here or in another tab. */
  rated(inspiration, rating, at) {
    this.ports.ratings?.hear(inspiration, rating, at);
    const of = this.known.get(inspiration)?.told.of;
    if (of) this.byCandidate.get(of)?.card.swaps.hear(inspiration, rating, at);
  }

  /** Whether a `busy` or an `error` is about a line of one of the poems here. */
  refused(message) {
    return [...this.byCandidate.values()].some(({ card }) => card.swaps?.refused(message));
  }

  /** What is asked again is asked without it. */
  photoGone(id) {
    for (const { told } of this.known.values()) if (told.photo_id === id) told.photo_id = null;
  }

  #queued(told) {
    if (!this.known.has(told.id)) this.#add(told, { announce: true });
  }

  #attach(place) {
    place.heardAt = this.now();
    place.acked = place.candidate.seq;
    this.ports.send(place.candidate.attach);
  }

  #refresh(told, at) {
    this.known.get(told.id).told.photo_id = told.photo_id; // it may be gone
    this.rated(told.id, told.rating, at);
    for (const each of told.candidates) {
      const place = this.byCandidate.get(each.id);
      const { ended } = place.candidate;
      place.candidate.refresh(each);
      place.heardAt = this.now();
      place.acked = each.seq; // a new socket: it owes nothing yet
      if (place.candidate.ended && !ended) this.#ended(place);
      else if (place.candidate.attempt !== each.attempt || place.candidate.seq !== each.seq) this.#attach(place);
      this.#draw(place);
    }
  }

  #add(told, { announce }) {
    if (told.of && !this.byCandidate.has(told.of)) return; // its poem was missed: the next `hello` brings both
    const inspiration = { told };
    this.known.set(told.id, inspiration);
    if (told.of) return this.#swap(inspiration, announce);
    const cards = told.candidates.map((each) => this.#card(each, inspiration));
    inspiration.places = cards;
    this.#build(inspiration);
    for (const other of this.known.values()) if (other.element && other !== inspiration && this.#over(other)) other.element.open = false;
    this.list.prepend(inspiration.element);
    this.#settle(inspiration);
    if (announce) this.ports.say(word("heard_start"));
    if (announce) this.ports.arrived(inspiration.element);
  }

  /** Two lines for a poem that is here: they are drawn at its card. */
  #swap(inspiration, fresh) {
    const { told } = inspiration;
    const candidates = told.candidates.map((each) => new Candidate(each));
    const choices = this.byCandidate.get(told.of).card.swaps.add(told, candidates, { fresh });
    inspiration.places = candidates.map((candidate, at) => this.#place(candidate, choices[at], inspiration));
    if (fresh) this.ports.say(word("heard_start"));
  }

  #card(told, inspiration) {
    const candidate = new Candidate(told);
    const take = (_, text, whole) => this.#take(candidate, inspiration, text, whole);
    return this.#place(candidate, new Card({ candidate, inspiration: inspiration.told, take, ports: this.ports }), inspiration);
  }

  #place(candidate, card, inspiration) {
    const now = this.now();
    const place = { candidate, card, inspiration, heardAt: now, acked: candidate.seq };
    this.byCandidate.set(candidate.id, place);
    return place;
  }

  #build(inspiration) {
    const { told, places } = inspiration;
    const title = told.kind === "poem" ? word(`form_${told.form}`) : word(`kind_${told.kind}`);
    const heading = make("summary", {}, make("span", { class: "what" }, title), make("span", { class: "wish" }, told.wish));
    const button = (words, onclick) => make("button", { class: "text-button", type: "button", onclick }, words);
    const stop = button(word("stop"), () => this.ports.send({ type: "stop", inspiration: told.id }));
    const again = button(word("again"), () => this.ports.again(told));
    const turns = make("div", { class: "inspiration-turns" }, stop, again);
    const cards = make("div", { class: "candidates" }, ...places.map(({ card }) => card.element));
    inspiration.element = make("details", { class: "inspiration", open: true }, heading, turns, cards);
    inspiration.element.addEventListener("toggle", () => places.forEach((place) => this.#draw(place)));
    const rating = this.ports.ratings?.add(told, places);
    if (rating) inspiration.element.append(rating);
    inspiration.element.dataset.form = told.form || told.kind;
    Object.assign(inspiration, { stop, again });
  }

  #over(inspiration) {
    return inspiration.places.every(({ candidate }) => candidate.ended);
  }

  #settle(inspiration) {
    if (inspiration.told.of) return;
    const over = this.#over(inspiration);
    inspiration.stop.hidden = over;
    inspiration.again.hidden = !over;
  }

  #ended(place) {
    const { inspiration, candidate } = place;
    place.acked = candidate.seq;
    this.#settle(inspiration);
    this.ports.ratings?.settle(inspiration.told.id);
    if (this.#over(inspiration)) this.ports.say(word("heard_end"));
  }

  #take(candidate, { told }, text, whole) {
    this.ports.take(text, whole && told.kind === "poem");
    this.ports.send({ type: "take", candidate: candidate.id });
    this.ports.say(word("heard_taken"));
  }

  #acknowledge(place) {
    const { candidate, acked } = place;
    if (candidate.seq - acked < ACK_EVERY) return;
    place.acked = candidate.seq;
    this.ports.send({ type: "ack", candidate: candidate.id, seq: candidate.seq });
  }

  #tick() {
    for (const place of this.byCandidate.values()) {
      if (!place.candidate.ended && this.now() - place.heardAt > SILENCE) this.#attach(place);
    }
  }

  /** Draws once a frame, however many messages came. */
  #draw(place) {
    if (!this.stale.size) requestAnimationFrame(() => this.#drawAll());
    this.stale.add(place);
  }

  #drawAll() {
    for (const { card } of this.stale) card.render();
    this.stale.clear();
  }
}
