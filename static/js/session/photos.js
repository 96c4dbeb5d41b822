// Photographs beside an ask: dropped, pasted, chosen or taken; what was seen in them as chips that she may change. The newest
// goes along with the next poem. The editor never notices: files are caught before it hears of them.

import { Chips } from "./chips.js";
import { csrf } from "./csrf.js";
import { make, write } from "./dom.js";
import { hour } from "./hour.js";
import { word } from "./words.js";

const MOST_BYTES = 12 * 1024 * 1024;
const MOST_CHIPS = 12;
const CHIP = 20; // characters
const NAMES = { list: "photo_chips", chip: "photo_chip", add: "photo_chip_add", remove: "photo_chip_remove" };
const KINDS = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif";

export class Photos {
  /** `say(sentence)` to those who listen; `arrived()` when a picture comes, so that its place is seen. */
  constructor({ place, api, say, arrived }) {
    Object.assign(this, { place, api: `${api}photos`, say, arrived });
    this.memory = `bailu chips ${api}`;
    this.edited = JSON.parse(sessionStorage.getItem(this.memory) ?? "{}");
    this.shown = new Map(); // by id: {told, chips, element}
    this.list = make("div", { class: "photo-list" });
    this.fault = make("p", { class: "error", role: "alert" });
    place.append(make("div", { class: "photo-ways" }, this.#way("photo_add"), this.#way("photo_take", "environment")), this.list, this.fault);
    document.addEventListener("dragover", (event) => this.#over(event), true);
    document.addEventListener("drop", (event) => this.#dropped(event), true);
    document.addEventListener("paste", (event) => this.#pasted(event), true);
  }

  /** A `hello` tells which pictures the session has, oldest first. */
  hello(photos) {
    for (const id of [...this.shown.keys()]) if (!photos.some((each) => each.id === id)) this.#forget(id);
    for (const each of photos) this.#know(each);
  }

  /** A picture of another tab's, or one that has been seen better; or one that is gone. */
  noticed({ kind, photo, id }) {
    if (kind === "photo_gone") return this.#forget(id);
    this.#know(photo);
  }

  /** What goes along with an ask for a poem. */
  get imagery() {
    const newest = this.#newest;
    return newest ? { photo_id: newest.told.id, chips: newest.chips } : {};
  }

  get #newest() {
    return [...this.shown.values()].at(-1);
  }

  #way(key, capture = "") {
    const input = make("input", { type: "file", accept: KINDS, class: "visually-hidden" });
    if (capture) input.setAttribute("capture", capture);
    input.addEventListener("change", () => (this.#add(input.files[0]), (input.value = "")));
    return make("label", { class: `text-button ${key}` }, input, word(key));
  }

  #over(event) {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) (event.preventDefault(), event.stopPropagation());
  }

  #dropped(event) {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    this.#add(file);
  }

  /** A picture that comes with text is text: so do word processors copy. */
  #pasted(event) {
    const file = event.clipboardData?.files[0];
    if (!file || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    event.stopPropagation();
    this.#add(file);
  }

  #add(file) {
    write(this.fault, "");
    if (!file) return;
    this.arrived();
    if (file.size > MOST_BYTES) return write(this.fault, word("photo_too_big"));
    const request = new XMLHttpRequest();
    const bar = make("progress", { max: 1, value: 0, "aria-label": word("photo_sending") });
    const cancel = make("button", { class: "text-button", type: "button", onclick: () => request.abort() }, word("photo_cancel"));
    const row = make("div", { class: "photo-sending" }, bar, cancel);
    request.upload.onprogress = ({ loaded, total }) => (bar.value = loaded / (total || 1));
    request.onloadend = () => (row.remove(), this.#came(request));
    request.onerror = () => write(this.fault, word("photo_lost"));
    request.open("POST", this.api);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(file);
    this.list.prepend(row);
  }

  #came({ status, responseText }) {
    if (status === 0) return;
    const told = parsed(responseText);
    if (status !== 200 || !told) return write(this.fault, told?.message ?? word("photo_lost"));
    this.#know(told);
    this.#announce(told);
  }

  /** To those who listen, with who saw it: most chips are guessed. */
  #announce({ source, chips }) {
    this.say(word(`photo_seen_${source}`, { chips: chips.join(" ") }));
  }

  /** Show it, or show it anew where it was seen better. What she has changed stays hers, and so does what she is changing. */
  #know(told) {
    const before = this.shown.get(told.id);
    if (!before) return (this.list.prepend(this.#made(told)), this.#label());
    if (before.told.source === told.source && before.told.kept === told.kept) return void delete before.later;
    if (touched(before)) return void (before.later = told);
    before.element.replaceWith(this.#made(told));
    this.#label();
    if (before.told.source !== told.source && !this.edited[told.id]) this.#announce(told);
  }

  /** She has left it: what was seen meanwhile may come, unless she has changed something. */
  #left(photo) {
    if (photo.later && this.shown.get(photo.told.id) === photo) this.#know(photo.later);
  }

  #made(told) {
    const photo = { told, chips: this.edited[told.id] ?? [...told.chips] };
    const picture = make("img", { src: `${this.api}/${told.id}.jpg`, alt: word("photo_alt"), width: told.width, height: told.height });
    const changed = (chips) => this.#changed(photo, chips);
    const row = new Chips({ chips: photo.chips, most: MOST_CHIPS, longest: CHIP, names: NAMES, changed });
    const keep = make("input", { type: "checkbox", checked: told.kept });
    keep.addEventListener("change", () => this.#keep(photo, keep));
    const remove = make("button", { class: "text-button", type: "button", onclick: () => this.#delete(photo) }, word("photo_delete"));
    const now = make("button", { class: "text-button photo-hour", type: "button", onclick: () => row.add(hour()) }, word("photo_hour"));
    const turns = make("div", { class: "photo-turns" }, now, make("label", {}, keep, word("photo_keep")), remove);
    photo.whose = make("p", { class: "help photo-whose" });
    photo.stays = make("p", { class: "help photo-stays" }, word("photo_not_along"));
    const said = make("div", { class: "photo-said" }, row.element, photo.whose, photo.stays, turns);
    photo.element = make("div", { class: "photo" }, picture, said);
    photo.element.addEventListener("focusout", () => setTimeout(() => this.#left(photo))); // a change is told after the focus goes
    this.shown.set(told.id, photo);
    return photo.element;
  }

  #changed(photo, chips) {
    photo.chips = chips;
    this.edited[photo.told.id] = chips;
    this.#label();
    sessionStorage.setItem(this.memory, JSON.stringify(this.edited));
  }

  /** Under each whose words its chips are, and under all but the newest that it does not go along. */
  #label() {
    for (const photo of this.shown.values()) {
      const [hers, newest] = [photo.told.id in this.edited, photo === this.#newest];
      write(photo.whose, word(`photo_by_${hers ? "her" : photo.told.source}`));
      photo.whose.hidden = hers && !newest; // "a poem is asked for with these"
      photo.stays.hidden = newest;
    }
  }

  async #keep(photo, box) {
    photo.told.kept = box.checked;
    const told = await this.#verb("POST", `/${photo.told.id}/keep?kept=${box.checked}`);
    if (!told) photo.told.kept = box.checked = !box.checked;
  }

  async #delete(photo) {
    if (await this.#verb("DELETE", `/${photo.told.id}`)) this.#forget(photo.told.id);
  }

  async #verb(method, path) {
    write(this.fault, "");
    const headers = { "X-CSRFToken": csrf() };
    const answer = await fetch(this.api + path, { method, headers, keepalive: true }).catch(() => null); // she may leave at once
    if (answer?.ok || answer?.status === 404) return answer;
    write(this.fault, word("photo_lost"));
    return null;
  }

  #forget(id) {
    this.shown.get(id)?.element.remove();
    this.shown.delete(id);
    delete this.edited[id];
    this.#label();
    sessionStorage.setItem(this.memory, JSON.stringify(this.edited));
  }
}

/** She is in it, or has typed what is not taken over yet. */
function touched({ element, chips }) {
  const typed = [...element.querySelectorAll("input.chip")].map((each) => each.value);
  return element.contains(document.activeElement) || typed.join("\n") !== [...chips, ""].join("\n");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
