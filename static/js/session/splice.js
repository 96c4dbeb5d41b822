// One replacement in a text, and what can be done with it. On the page positions are UTF-16 units; on the wire they are
// code points, which is why every splice is cut beside a surrogate pair and never through one.

/** The text as the server can hold it, of the same length: no half of a pair, no NUL. */
export function wellFormed(text) {
  const whole = text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

/** How many code points lie between two positions of a well-formed text. */
export function points(text, from = 0, to = text.length) {
  let count = to - from;
  for (let index = from; index < to; index += 1) {
    if (isLow(text.charCodeAt(index))) count -= 1;
  }
  return count;
}

/** The position `count` code points behind `from`, or -1 beyond the end. */
function forward(text, from, count) {
  let at = from;
  for (let left = count; left > 0; left -= 1) {
    if (at >= text.length) return -1;
    at += isHigh(text.charCodeAt(at)) ? 2 : 1;
  }
  return at;
}

function isHigh(unit) {
  return (unit & 0xfc00) === 0xd800;
}

function isLow(unit) {
  return (unit & 0xfc00) === 0xdc00;
}

/** The smallest one replacement that turns `before` into `after`. */
export function difference(before, after) {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start += 1;
  if (start > 0 && isHigh(before.charCodeAt(start - 1))) start -= 1;
  let tail = 0;
  while (tail < most - start && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail += 1;
  if (tail > 0 && isLow(before.charCodeAt(before.length - tail))) tail -= 1;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}

export function apply(text, { start, end, text: inserted }) {
  return text.slice(0, start) + inserted + text.slice(end);
}

/** A splice of `text` as the wire wants it. */
export function toWire(text, { start, end, text: inserted }) {
  const from = points(text, 0, start);
  return { start: from, end: from + points(text, start, end), text: inserted };
}

/** `text` after a patch off the wire, or null where the patch does not fit. */
export function patched(text, patch) {
  const start = forward(text, 0, patch.start);
  const end = start < 0 ? -1 : forward(text, start, patch.end - patch.start);
  return end < 0 || patch.end < patch.start ? null : apply(text, { start, end, text: patch.text });
}

/**
 * Both changes of one text together, or null where they touch and only a person can decide.
 * Where one of them holds the whole of the other, at the same place, it is the answer.
 */
export function merge(base, mine, theirs) {
  if (mine === theirs || theirs === base) return mine;
  if (mine === base) return theirs;
  const [ours, other] = [difference(base, mine), difference(base, theirs)];
  if (ours.end < other.start) return apply(apply(base, other), ours);
  if (other.end < ours.start) return apply(apply(base, ours), other);
  if (ours.start !== other.start || ours.end !== other.end) return null;
  if (ours.text.startsWith(other.text)) return mine;
  return other.text.startsWith(ours.text) ? theirs : null;
}

/** Two changes that touch, one after the other: the lines they quarrel about as `mine` has them, then as `theirs` has them. */
export function both(base, mine, theirs) {
  const [ours, other] = [difference(base, mine), difference(base, theirs)];
  const start = base.lastIndexOf("\n", Math.min(ours.start, other.start) - 1) + 1;
  const tail = base.length - Math.max(ours.end, other.end);
  const rest = tail - (base.slice(base.length - tail) + "\n").indexOf("\n");
  const [here, there] = [mine, theirs].map((text) => text.slice(start, text.length - rest));
  const lines = here.includes(there) ? here : there.includes(here) ? there : `${here}\n${there}`;
  return base.slice(0, start) + lines + base.slice(base.length - rest);
}
