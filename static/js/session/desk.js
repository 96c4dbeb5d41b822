// The strip above the manuscript: the line of dawn, the numerals, and the turns of the clock. The server turns it; the page asks.

import { numerals } from "./clock.js";
import { write } from "./dom.js";
import { word } from "./words.js";

const TICK = 250;
const MORE = 300; // seconds
const UNKNOWN = "–:––"; // nothing has been heard from the server yet: 0:00 would say that her time is up
const CLOCK = "bailu clock";

export class Desk {
  /**
   * `ports`: send(message), lines (sentences), flush() save now, saved() whether all is, measure() the clock again,
   * leave() to the finished page at `finishedUrl`. `shown` is whether her account wants the numerals; a turn of the
   * switch here stands until the account says otherwise than it did then.
   */
  constructor({ root, clock, ports, shown }) {
    Object.assign(this, { root, clock, ports });
    this.parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((element) => [element.dataset.part, element]));
    this.finishing = false;
    this.state = null;
    this.usual = shown;
    this.shown = this.#turned ?? shown;
    const { numerals: face, pause, extend, finish } = this.parts;
    face.addEventListener("click", () => this.#toggle());
    pause.addEventListener("click", () => ports.send({ type: this.state === "paused" ? "resume" : "pause" }));
    extend.addEventListener("click", () => this.#extend());
    finish.addEventListener("click", () => this.#askToFinish());
    setInterval(() => this.tick(), TICK);
    this.tick();
  }

  /** A `session` message, or the one in `hello`. */
  set(session) {
    this.clock.set(session);
    this.state = session.state;
    const { pause, extend } = this.parts;
    write(pause, word(session.state === "paused" ? "resume" : "pause"));
    pause.disabled = extend.disabled = session.state === "finished";
    extend.hidden = session.remaining_ms === null;
    if (session.state === "finished") this.#finished();
    if (session.state !== "paused") this.ports.lines.hide("paused");
    else this.ports.lines.show("paused", word("paused"));
    this.tick();
  }

  tick() {
    if (this.clock.jumped) this.ports.measure();
    const { remaining, written, share } = this.clock;
    const left = remaining !== null;
    const time = this.clock.session ? numerals(left ? remaining : written, { left }) : UNKNOWN;
    const { numerals: face, sun } = this.parts;
    write(face, this.shown ? time : word("clock_hidden"));
    const name = word(left ? "time_left" : "time_written", { time });
    if (document.activeElement !== face) face.setAttribute("aria-label", name); // not every second in her ear
    face.setAttribute("aria-pressed", String(this.shown));
    const reach = `scaleX(${(share ?? 0).toFixed(3)})`; // about a pixel a step: what glides has the page painted all morning
    if (sun.style.transform !== reach) sun.style.transform = reach;
    sun.classList.toggle("warm", left && remaining <= 60_000 && this.state === "running");
    this.#announce();
  }

  /** Called whenever what is saved changes: a sitting that waits for its last save can end. */
  settle() {
    if (this.finishing && this.ports.saved() && this.state !== "finished") this.ports.send({ type: "finish" });
  }

  #announce() {
    const { lines } = this.ports;
    const said = this.clock.announce();
    const more = [word("extend_yes"), () => this.#extend()];
    const no = [word("extend_no"), () => lines.hide("time")];
    if (said === "minute") lines.show("time", word("minute"), { actions: [more, no] });
    if (said === "over") lines.show("time", word("over"), { actions: [more, [word("finish"), () => this.#askToFinish()]] });
    const { remaining } = this.clock;
    if (remaining === null || remaining > 60_000) lines.hide("time");
  }

  /** As she turned the switch here, unless her account has changed its word since: then that turn is forgotten. */
  get #turned() {
    const { usual, shown } = JSON.parse(localStorage.getItem(CLOCK) ?? "{}");
    if (usual !== this.usual) return void localStorage.removeItem(CLOCK);
    return shown;
  }

  #toggle() {
    this.shown = !this.shown;
    localStorage.setItem(CLOCK, JSON.stringify({ shown: this.shown, usual: this.usual }));
    this.tick();
  }

  #extend() {
    this.ports.send({ type: "extend", seconds: MORE });
  }

  #askToFinish() {
    const { lines } = this.ports;
    lines.show("finish", word("finish_ask"), { actions: [[word("finish"), () => this.#finish()], this.#writeOn] });
    lines.focus("finish");
  }

  get #writeOn() {
    return [word("finish_no"), () => ((this.finishing = false), this.ports.lines.hide("finish"))];
  }

  #finish() {
    const { lines, flush, saved } = this.ports;
    this.finishing = true;
    flush();
    if (!saved()) lines.show("finish", word("finish_waits"), { actions: [this.#writeOn] });
    this.settle();
  }

  #finished() {
    const { lines, leave, finishedUrl } = this.ports;
    if (this.finishing) return leave();
    lines.hide("time");
    lines.show("finished", word("finished_elsewhere"), { href: [word("finished_see"), finishedUrl] });
  }
}
