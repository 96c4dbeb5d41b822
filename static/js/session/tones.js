// Tones of verse as signs, and the way of the arrow keys through a poem. No page is needed here.

const OF_TONES = new Map([["平", "○"], ["仄", "●"], ["通", "◐"], ["？", "?"]]);
const OF_WANTED = new Map([["平", "○"], ["仄", "●"], ["·", "⊙"], ["韵", "△"], ["叶", "▲"]]);
const NAMES = new Map(
  Object.entries({ "○": "level", "●": "oblique", "◐": "both", "?": "unknown", "⊙": "free", "△": "rhyme", "▲": "rhyme_oblique" }),
);

const WAYS = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"]);

/** The sign of a character's own tone. */
export function signOf(tone) {
  return OF_TONES.get(tone) ?? "";
}

/** The sign of what the metre wants at a place. */
export function signWanted(wanted) {
  return OF_WANTED.get(wanted) ?? "";
}

/** The key of a sign's name among the page's words. */
export function nameOf(sign) {
  return NAMES.has(sign) ? `tone_${NAMES.get(sign)}` : null;
}

/** The signs in the order in which they first stand. */
export function signsIn(rows) {
  return [...new Set(rows.join(""))].filter(nameOf);
}

/** Whether a key is one that leads through a poem. */
export function leads({ key, altKey, ctrlKey, metaKey }) {
  return WAYS.has(key) && !altKey && !ctrlKey && !metaKey;
}

/** Where a key leads from `[line, place]` in lines of these lengths; null where it leads nowhere. */
export function step([line, place], key, lengths) {
  const along = { ArrowRight: 1, ArrowLeft: -1 }[key];
  const across = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (key === "Home") return [line, 0];
  if (key === "End") return [line, lengths[line] - 1];
  if (across) return lengths[line + across] ? [line + across, Math.min(place, lengths[line + across] - 1)] : null;
  if (!along) return null;
  const next = place + along;
  if (next >= 0 && next < lengths[line]) return [line, next];
  const other = line + along;
  return lengths[other] ? [other, along > 0 ? 0 : lengths[other] - 1] : null;
}

/** The sentences about each place, by `line/place` from 0. */
export function faultsByPlace(checks) {
  const found = new Map();
  for (const { line, place, message } of checks.flatMap(({ faults }) => faults)) {
    if (line && place) found.set(`${line - 1}/${place - 1}`, message);
  }
  return found;
}
