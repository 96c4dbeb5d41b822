// One key, one thing. Keys are left alone while somebody writes in a field, or holds Ctrl, Alt or ⌘.

const FIELD = "input:not([type=checkbox]), select, textarea, [contenteditable]";

/** Calls `act(key)` for single keys; what it answers true to goes no further. */
export function listen(act) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
    if (event.target.closest?.(FIELD)) return;
    if (act(event.key)) event.preventDefault();
  });
}
