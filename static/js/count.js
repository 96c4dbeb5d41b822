// The counting rule of writingapp/services/counting.py; tests/vectors/counting.json holds both to it.
// A hand-made scanner, because a regular expression over a long manuscript is felt at every key.

const OTHER = 0;
const LETTER = 1;
const JOINER = 2; // joins two letters into one word: don't, re-write
const ALONE = 3; // counts by itself

const RANGES = "々々〇〇㐀䶿一鿿豈\ufaff\u{20000}\u{3ffff}ぁゖァヺーー가힣";
const alone = pairs([...RANGES].map((character) => character.codePointAt(0)));
const letter = /[\p{L}\p{N}]/u;
const joiners = new Set(["'", "’", "-"].map((character) => character.codePointAt(0)));

function pairs(points) {
  return points.flatMap((point, index) => (index % 2 ? [] : [[point, points[index + 1]]]));
}

/** How many units a text holds: each Han, kana or Hangul character, and each word of any other script. */
export function count(text) {
  return countParts([text]);
}

/** The same over pieces of one text, in order, so that a long document need never be joined. */
export function countParts(parts) {
  let units = 0;
  let inside = OTHER; // LETTER within a word, JOINER just behind a joiner that may yet join
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 1) {
      const point = part.codePointAt(index);
      if (point > 0xffff) index += 1;
      const kind = kindOf(point);
      if (kind === ALONE || (kind === LETTER && inside === OTHER)) units += 1;
      inside = next(inside, kind);
    }
  }
  return units;
}

function next(inside, kind) {
  if (kind === LETTER) return LETTER;
  return kind === JOINER && inside === LETTER ? JOINER : OTHER;
}

function kindOf(point) {
  if (point >= 0x4e00 && point <= 0x9fff) return ALONE;
  if (point < 0x80) return asciiKind(point);
  if (joiners.has(point)) return JOINER;
  if (alone.some(([first, last]) => point >= first && point <= last)) return ALONE;
  return letter.test(String.fromCodePoint(point)) ? LETTER : OTHER;
}

function asciiKind(point) {
  const lower = point | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || (point >= 0x30 && point <= 0x39)) return LETTER;
  return joiners.has(point) ? JOINER : OTHER;
}

/**
 * The stretch around `from`..`to` that no unit crosses, so that counts of such stretches add up.
 * `slice(from, to)` reads the text; positions are UTF-16 units. It reads in steps, because words are short.
 */
export function stretch(slice, length, from, to) {
  return [wordStart(slice, from), wordEnd(slice, length, to)];
}

const STEP = 64;
const wordy = `(?:(?![${RANGES.replace(/../gu, (pair) => [...pair].join("-"))}])[\\p{L}\\p{N}'’-])*`;
const tailWord = new RegExp(`${wordy}$`, "u");
const headWord = new RegExp(`^${wordy}`, "u");

function wordStart(slice, from) {
  let at = from;
  while (at > 0) {
    const low = whole(slice, Math.max(0, at - STEP));
    const tail = tailWord.exec(slice(low, at))[0].length;
    if (tail < at - low) return at - tail;
    at = low;
  }
  return 0;
}

function wordEnd(slice, length, to) {
  let at = to;
  while (at < length) {
    const high = Math.min(length, whole(slice, at + STEP));
    const head = headWord.exec(slice(at, high))[0].length;
    if (head < high - at) return at + head;
    at = high;
  }
  return length;
}

/** `at`, or one before it where it would split a surrogate pair. */
function whole(slice, at) {
  return /^[\udc00-\udfff]/.test(slice(at, at + 1)) ? at - 1 : at;
}
