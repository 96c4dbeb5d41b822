// The inspiration on a small screen: a sheet in the flow below the manuscript, so that it can never cover the caret; and the
// page as high as what the keyboard leaves of the screen.

export class Sheet {
  constructor({ root, editor, opener, close, well }) {
    Object.assign(this, { root, editor, opener });
    opener.addEventListener("click", () => this.#set(!this.open));
    close.addEventListener("click", () => this.backToManuscript());
    well.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && this.backToManuscript());
    visualViewport?.addEventListener("resize", () => this.#fit());
    visualViewport?.addEventListener("scroll", () => this.#fit());
    this.#fit();
  }

  get open() {
    return this.root.classList.contains("asking-open");
  }

  /** Something has come that stands there. */
  show() {
    if (!this.open) this.#set(true);
  }

  /** The manuscript again; a keyboard is not called up where there is only touch, unless it is up already. */
  backToManuscript() {
    const touch = !matchMedia("(pointer: fine)").matches;
    this.#set(false);
    if (!touch) this.editor.focus();
  }

  #set(open) {
    this.root.classList.toggle("asking-open", open);
    this.opener.setAttribute("aria-expanded", String(open));
    this.editor.keepInSight();
  }

  #fit() {
    const { height, offsetTop } = visualViewport ?? { height: innerHeight, offsetTop: 0 };
    this.root.style.setProperty("--height", `${height}px`);
    this.root.style.setProperty("--top", `${offsetTop}px`);
    if (this.editor.focused) this.editor.keepInSight();
  }
}
