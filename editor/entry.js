// What static/js/session/editor.js may use; everything else is shaken off by the build.
export { history, historyKeymap, standardKeymap, undo, redo, isolateHistory } from "@codemirror/commands";
export { Annotation, Compartment, EditorSelection, EditorState, StateEffect, StateField, Transaction } from "@codemirror/state";
export { Decoration, EditorView, keymap, placeholder } from "@codemirror/view";
