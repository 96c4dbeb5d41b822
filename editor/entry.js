// What static/js/session/editor.js may use; everything else is shaken off by the build.
export { history, historyKeymap, insertNewline, isolateHistory, standardKeymap } from "@codemirror/commands";
export { Annotation, Compartment, EditorState, StateField, Transaction } from "@codemirror/state";
export { Decoration, EditorView, keymap, placeholder } from "@codemirror/view";
