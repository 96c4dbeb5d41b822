// The manuscript on screen: CodeMirror, told about prose. It asks with Mod-Enter and never with Enter, and while an input
// method composes it reports nothing: letters that are not yet words are neither counted nor saved.

import { countParts, stretch } from "../count.js";
import { difference } from "./splice.js";
import {
  Annotation,
  Compartment,
  Decoration,
  EditorState,
  EditorView,
  StateField,
  Transaction,
  history,
  historyKeymap,
  insertNewline,
  isolateHistory,
  keymap,
  placeholder,
  standardKeymap,
} from "../../vendor/codemirror.js";

const fromElsewhere = Annotation.define();
const whenOver = Annotation.define();
const lateMark = Decoration.mark({ class: "late", inclusiveEnd: true });

const lateText = StateField.define({
  create: () => Decoration.none,
  update: (marks, transaction) => markLate(marks.map(transaction.changes), transaction),
  provide: (field) => EditorView.decorations.from(field),
});

function markLate(marks, transaction) {
  if (!transaction.docChanged || !transaction.annotation(whenOver)) return marks;
  const added = [];
  transaction.changes.iterChangedRanges((fromA, toA, from, to) => {
    let covered = from === to;
    marks.between(from, to, (start, end) => void (covered ||= start <= from && end >= to));
    if (!covered) added.push(lateMark.range(from, to));
  });
  return marks.update({ add: added });
}

export class Editor {
  /**
   * `ports`: changed() she changed the text, counted(n) its count changed, composing(is) an input method began or ended,
   * ask() Mod-Enter, over() whether time is up, for text that comes late.
   */
  constructor({ parent, nonce, label, hint, indent, ports }) {
    this.ports = ports;
    this.count = 0;
    this.composing = false;
    this.opened = false;
    this.held = null; // changes not yet counted, and the text they start from
    this.writable = new Compartment();
    const { lang } = document.documentElement;
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.lineWrapping,
          history(),
          keymap.of(this.#keys()),
          keymap.of([...historyKeymap, ...standardKeymap]),
          placeholder(hint),
          EditorView.contentAttributes.of({ "aria-label": label, lang, spellcheck: String(!lang.startsWith("zh")) }),
          EditorView.editorAttributes.of({ class: indent ? "indented" : "" }),
          EditorView.domEventObservers({
            compositionstart: () => this.#compose(true),
            compositionend: () => (this.ending = setTimeout(() => this.#compose(false))), // the last letters reach the text first
          }),
          EditorState.transactionExtender.of((transaction) => this.#stamp(transaction)),
          EditorView.updateListener.of((update) => update.docChanged && this.#changed(update)),
          lateText,
          this.writable.of(EditorView.editable.of(false)),
        ],
      }),
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** At most `limit` characters before the cursor. */
  before(limit) {
    const { doc, selection } = this.view.state;
    const text = doc.sliceString(Math.max(0, selection.main.head - 2 * limit), selection.main.head);
    return [...text].slice(-limit).join("");
  }

  /** From here on she may write: what stands on the page is known. */
  open() {
    this.opened = true;
    this.view.dispatch({ effects: this.writable.reconfigure(EditorView.editable.of(true)) });
  }

  focus() {
    this.view.focus();
  }

  /** Shows what came from elsewhere: her cursor stays in its place, and undo does not take it back. */
  show(text) {
    const splice = difference(this.text, text);
    this.view.dispatch({
      changes: { from: splice.start, to: splice.end, insert: splice.text },
      annotations: [fromElsewhere.of(true), Transaction.addToHistory.of(false)],
    });
  }

  /** Takes a text in at the cursor, as one step of undo; `apart` gives it lines of its own. */
  insert(text, { apart }) {
    const { doc, selection } = this.view.state;
    const { from, to } = selection.main;
    const insert = apart ? `${doc.lineAt(from).from < from ? "\n" : ""}${text}${doc.lineAt(to).to > to ? "\n" : ""}` : text;
    const length = this.view.state.toText(insert).length;
    this.view.dispatch({
      changes: { from, to, insert },
      selection: { anchor: from + length },
      annotations: isolateHistory.of("full"),
      userEvent: "input.inspiration",
      scrollIntoView: true,
    });
  }

  /** After the room around the text changed: the line she is on stays in sight. */
  keepInSight() {
    this.view.dispatch({ effects: EditorView.scrollIntoView(this.view.state.selection.main.head, { yMargin: 24 }) });
  }

  get focused() {
    return this.view.hasFocus;
  }

  #keys() {
    const ask = () => (this.ports.ask(), true);
    return [
      { key: "Mod-Enter", run: ask },
      { key: "Enter", run: insertNewline, shift: insertNewline },
    ];
  }

  #stamp(transaction) {
    return this.ports.over() && !transaction.annotation(fromElsewhere) ? { annotations: whenOver.of(true) } : null;
  }

  #compose(composing) {
    clearTimeout(this.ending); // the next composition may begin at once
    this.composing = composing;
    if (!composing) this.#recount();
    this.ports.composing(composing);
  }

  #changed({ changes, startState, transactions }) {
    this.held = this.held ? { ...this.held, changes: this.held.changes.compose(changes) } : { changes, doc: startState.doc };
    if (!this.composing) this.#recount();
    if (!transactions.every((transaction) => transaction.annotation(fromElsewhere))) this.ports.changed();
  }

  /** Counts only around what changed. */
  #recount() {
    if (!this.held) return;
    const { changes, doc: before } = this.held;
    const after = this.view.state.doc;
    this.held = null;
    let [gone, come] = [0, 0];
    let [goneTo, comeTo] = [0, 0];
    changes.iterChangedRanges((fromA, toA, fromB, toB) => {
      const [startA, endA] = stretch((low, high) => before.sliceString(low, high), before.length, fromA, toA);
      const [startB, endB] = stretch((low, high) => after.sliceString(low, high), after.length, fromB, toB);
      gone += units(before, Math.max(startA, goneTo), endA);
      come += units(after, Math.max(startB, comeTo), endB);
      [goneTo, comeTo] = [endA, endB];
    });
    this.count += come - gone;
    this.ports.counted(this.count);
  }
}

function units(doc, from, to) {
  return from < to ? countParts(doc.iterRange(from, to)) : 0;
}
