// The ask: what kind, which form, what wish. One ask travels at a time; its key makes a repeated one the same, across a
// reconnect and across a reload.

import { Chooser } from "./chooser.js";
import { write } from "./dom.js";
import { Patience } from "./patience.js";
import { points } from "./splice.js";
import { uuid } from "./uuid.js";
import { Wants } from "./wants.js";
import { word } from "./words.js";

const WISH = 500;
const BEFORE = 2000;
const UNREAD = new Set(["malformed", "unknown_type"]); // told of a message whose key could not be read either
const HINT_AFTER = 350; // milliseconds without a change: what stands there may be what she will ask

export class Ask {
  /**
   * `send(message)` answers whether it went out; `before(limit)` is the text at the cursor, `imagery()` a photograph and its
   * chips; `where` names the session, `lesson` shows what a form is, `rhymes` are those of each book.
   */
  constructor({ form, send, before, imagery, where, lesson, rhymes }) {
    Object.assign(this, { form, send, before, imagery });
    this.wants = new Wants({ place: form.querySelector("[data-wants]"), rhymes, changed: () => this.#changed() });
    this.chooser = new Chooser({ form, lesson, changed: (radio) => this.wants.take(radio.dataset.takes.split(" ")) });
    this.memory = `bailu ask ${where}`;
    this.patience = new Patience((...said) => this.#say(...said));
    const remembered = JSON.parse(sessionStorage.getItem(this.memory) ?? "{}");
    this.pending = remembered.pending ?? null;
    this.#restore(remembered.fields ?? {});
    form.addEventListener("submit", (event) => (event.preventDefault(), this.ask()));
    form.addEventListener("input", () => (this.#changed(), this.#hintSoon()));
    form.addEventListener("focusin", () => this.#hintSoon());
    this.#changed();
  }

  /** Asks for what stands in the form. */
  ask() {
    if (this.pending) return;
    const fields = this.#fields();
    if (points(fields.wish) > WISH) return this.#fault("wish", word("wish_too_long", { n: points(fields.wish) }));
    this.#go(fields.kind === "poem" ? { ...fields, ...this.imagery() } : fields);
  }

  /** Asks once more for what an earlier inspiration was about. */
  again({ kind, form, wish, photo_id, chips, options }) {
    if (!this.pending) this.#go({ kind, form, wish, photo_id, chips, options });
  }

  /** After a `hello`: an ask that the server never heard goes out again. */
  resume(known) {
    if (!this.pending) return;
    if (known.has(this.pending.key)) this.#settle();
    else if (!this.patience.waiting) this.#post();
  }

  /** Whether a message is the answer to what is asked now. */
  received(message) {
    if (!this.pending || !this.#mine(message)) return false;
    if (message.type === "queued") this.#settle();
    else if (message.type === "busy") this.patience.wait(message, () => this.#post(), () => this.#settle());
    else if (message.type === "invalid") this.#invalid(message.errors);
    else this.#give(message.message);
    return true;
  }

  #mine({ type, key, ref, code }) {
    return (key ?? ref) === this.pending.key || (type === "error" && !ref && UNREAD.has(code));
  }

  focus() {
    this.form.elements.wish.focus();
  }

  #fields() {
    const { kind, form, wish } = this.form.elements;
    if (kind.value !== "poem") return { kind: kind.value, form: "", wish: wish.value.trim() };
    const { options } = this.wants;
    return { kind: "poem", form: form.value, wish: wish.value.trim(), ...(Object.keys(options).length ? { options } : {}) };
  }

  #restore({ kind, form, wish, options }) {
    const { elements } = this.form;
    if (kind) elements.kind.value = kind;
    if (form) this.chooser.choose(form);
    if (wish) elements.wish.value = wish;
    if (options) this.wants.restore(options);
  }

  #changed() {
    const { kind, wish } = this.form.elements;
    for (const part of this.form.querySelectorAll("[data-poem]")) part.hidden = kind.value !== "poem";
    const used = points(wish.value);
    write(this.form.querySelector("[data-used]"), used > WISH - 100 ? word("wish_used", { n: used }) : "");
    this.#clear();
    this.#remember();
  }

  /** The model may read ahead while she still writes; a hint that does not arrive is no loss. */
  #hintSoon() {
    clearTimeout(this.hinting);
    this.hinting = setTimeout(() => {
      const fields = this.#fields();
      if (!this.pending && points(fields.wish) <= WISH) this.send({ type: "hint", ...fields, ...this.#context(fields) });
    }, HINT_AFTER);
  }

  #context({ kind }) {
    return kind === "poem" ? {} : { before: this.before(BEFORE) };
  }

  #remember() {
    sessionStorage.setItem(this.memory, JSON.stringify({ fields: this.#fields(), pending: this.pending }));
  }

  #go(fields) {
    this.#clear();
    clearTimeout(this.hinting);
    this.pending = { type: "inspire", key: uuid(), ...fields, candidates: 2, ...this.#context(fields) };
    this.#post();
  }

  #post() {
    this.form.classList.add("asking");
    this.#say(this.send(this.pending) ? "" : word("ask_waits"));
    this.#remember();
  }

  #settle() {
    this.patience.end();
    this.pending = null;
    this.form.classList.remove("asking");
    this.#say("");
    this.#remember();
  }

  #invalid(errors) {
    this.#settle();
    for (const [field, message] of Object.entries(errors)) this.#fault(field, message);
  }

  #give(message) {
    this.#settle();
    this.#say(message);
  }

  #fault(field, message) {
    const place = this.form.querySelector(`[data-error="${field}"]`) ?? this.form.querySelector("[data-said]");
    write(place, message);
    const fold = place.closest("details");
    if (fold) fold.open = true;
    const input = this.form.elements[field];
    if (input instanceof HTMLElement) {
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
  }

  #clear() {
    for (const place of this.form.querySelectorAll("[data-error]")) write(place, "");
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  #say(text, ...more) {
    const place = this.form.querySelector("[data-said]");
    place.replaceChildren(...(text ? [text, " ", ...more] : []));
  }
}
