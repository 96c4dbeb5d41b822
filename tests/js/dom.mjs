// As much of a page as the parts of a session touch: elements in a tree, events, one that has the focus.

export class Element {
  constructor(name) {
    Object.assign(this, { name, children: [], parent: null, className: "", value: "", hidden: false });
    Object.assign(this, { heard: {}, attributes: {}, dataset: {}, style: {}, tabIndex: -1 });
    this.classList = { add: () => {}, remove: () => {}, toggle: () => {} };
  }

  append(...parts) {
    for (const part of parts) (this.children.push(part), part instanceof Element && (part.parent = this));
  }

  prepend(part) {
    this.children.unshift(part);
    part.parent = this;
  }

  replaceChildren(...parts) {
    for (const each of this.children) if (each instanceof Element) each.parent = null;
    this.children = [];
    this.append(...parts);
  }

  replaceWith(other) {
    this.parent.children[this.parent.children.indexOf(this)] = other;
    [other.parent, this.parent] = [this.parent, null];
  }

  before(other) {
    this.parent.children.splice(this.parent.children.indexOf(this), 0, other);
    other.parent = this.parent;
  }

  remove() {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }

  get parentElement() {
    return this.parent;
  }

  contains(other) {
    for (let each = other; each; each = each.parent) if (each === this) return true;
    return false;
  }

  /** By "name", ".class" or "name.class". */
  querySelectorAll(selector) {
    const elements = this.children.filter((each) => each instanceof Element);
    return elements.flatMap((each) => [...(each.fits(selector) ? [each] : []), ...each.querySelectorAll(selector)]);
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  fits(selector) {
    const [name, kind] = selector.split(".");
    return (!name || this.name === name) && (!kind || this.className.split(" ").includes(kind));
  }

  closest(selectors) {
    for (let each = this; each; each = each.parent) if (selectors.split(", ").some((one) => each.fits(one))) return each;
    return null;
  }

  get textContent() {
    return this.children.map((each) => each.textContent ?? each).join("");
  }

  set textContent(text) {
    this.replaceChildren(text);
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  addEventListener(name, hear) {
    (this.heard[name] ??= []).push(hear);
  }

  /** Here and above, as events go that bubble; answers the event. */
  tell(name, more = {}) {
    const event = { target: this, defaultPrevented: false, stopped: false, ...more };
    event.preventDefault = () => (event.defaultPrevented = true);
    event.stopPropagation = () => (event.stopped = true);
    for (let each = this; each && !event.stopped; each = each.parent) for (const hear of each.heard[name] ?? []) hear(event);
    return event;
  }

  focus() {
    document.activeElement = this;
  }

  blur() {
    document.activeElement = null;
    this.tell("focusout");
  }
}

/** Lays a page where scripts look for one; every sentence of it is its key and what is filled in. */
export function lay(keys) {
  const words = new Element("script");
  words.append(JSON.stringify(Object.fromEntries(keys.map((key) => [key, key]))));
  const page = { createElement: (name) => new Element(name), getElementById: () => words, activeElement: null, cookie: "" };
  globalThis.document = Object.assign(new Element("html"), page, { documentElement: { lang: "en" } });
  globalThis.matchMedia = () => ({ matches: false });
  [globalThis.sessionStorage, globalThis.localStorage] = [memory(), memory()];
}

function memory() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
}
