// Photographs beside an ask: dropped, pasted, chosen or taken; what was seen in them as chips that she may change. The newest
// goes along with the next poem. The editor never notices: files are caught before it hears of them.

import { Chips } from "./chips.js";
import { make, write } from "./dom.js";
import { word } from "./words.js";

const MOST_BYTES = 12 * 1024 * 1024;
const MOST_CHIPS = 12;
const CHIP = 20; // characters
const NAMES = { list: "photo_chips", chip: "photo_chip", add: "photo_chip_add", remove: "photo_chip_remove" };
const KINDS = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif";

export class Photos {
  /** `say(sentence)` to those who listen; `arrived()` when a picture comes, so that its place is seen. */
  constructor({ place, api, csrf, say, arrived }) {
    Object.assign(this, { place, api: `${api}photos`, csrf, say, arrived });
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
    const before = this.shown.get(photo.id);
    this.#know(photo);
    if (before && before.told.source !== photo.source && !this.edited[photo.id]) this.#announce(photo);
  }

  /** What goes along with an ask for a poem. */
  get imagery() {
    const newest = [...this.shown.values()].at(-1);
    return newest ? { photo_id: newest.told.id, chips: newest.chips } : {};
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
    request.setRequestHeader("X-CSRFToken", this.csrf);
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

  #announce({ chips }) {
    this.say(word("photo_seen", { chips: chips.join(" ") }));
  }

  /** Show it, or show it anew where it was seen better. What she has changed stays hers. */
  #know(told) {
    const before = this.shown.get(told.id);
    if (!before) return this.list.prepend(this.#made(told));
    if (before.told.source === told.source && before.told.kept === told.kept) return;
    before.element.replaceWith(this.#made(told));
  }

  #made(told) {
    const photo = { told, chips: this.edited[told.id] ?? [...told.chips] };
    const picture = make("img", { src: `${this.api}/${told.id}.jpg`, alt: word("photo_alt"), width: told.width, height: told.height });
    const changed = (chips) => this.#changed(photo, chips);
    const row = new Chips({ chips: photo.chips, most: MOST_CHIPS, longest: CHIP, names: NAMES, changed });
    const keep = make("input", { type: "checkbox", checked: told.kept });
    keep.addEventListener("change", () => this.#keep(photo, keep));
    const remove = make("button", { class: "text-button", type: "button", onclick: () => this.#delete(photo) }, word("photo_delete"));
    const turns = make("div", { class: "photo-turns" }, make("label", {}, keep, word("photo_keep")), remove);
    photo.whose = make("p", { class: "help" }, word(`photo_by_${this.edited[told.id] ? "her" : told.source}`));
    const said = make("div", { class: "photo-said" }, row.element, photo.whose, turns);
    photo.element = make("div", { class: "photo" }, picture, said);
    this.shown.set(told.id, photo);
    return photo.element;
  }

  #changed(photo, chips) {
    photo.chips = chips;
    this.edited[photo.told.id] = chips;
    photo.whose.textContent = word("photo_by_her");
    sessionStorage.setItem(this.memory, JSON.stringify(this.edited));
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
    const headers = { "X-CSRFToken": this.csrf };
    const answer = await fetch(this.api + path, { method, headers, keepalive: true }).catch(() => null); // she may leave at once
    if (answer?.ok || answer?.status === 404) return answer;
    write(this.fault, word("photo_lost"));
    return null;
  }

  #forget(id) {
    this.shown.get(id)?.element.remove();
    this.shown.delete(id);
    delete this.edited[id];
    sessionStorage.setItem(this.memory, JSON.stringify(this.edited));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
