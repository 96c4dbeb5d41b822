// What she says of one inspiration, as the server last told it, and what a choice or a key comes to. No page is needed here.

export const CHOICES = ["first", "tie", "both_bad", "second"];
const KEYS = new Map([["ArrowLeft", "first"], ["ArrowRight", "second"], ["=", "tie"], ["0", "both_bad"]]);

/** The choice that a key means, or undefined. */
export function choiceOf(key) {
  return KEYS.get(key);
}

/** The stars that a key means, or undefined. */
export function starsOf(key) {
  return /^[1-5]$/.test(key) ? Number(key) : undefined;
}

export class Judging {
  /** `ids` are the candidates in their order on the page. */
  constructor(ids) {
    this.ids = ids;
    this.at = -1;
    this.comparison = null;
    this.scores = [];
    this.wrote = null; // by candidate: the adapter, empty for the base; null while she is to judge blindly
  }

  /** Takes what the server tells, unless something later was heard already. */
  hear({ comparison, scores, wrote }, at) {
    if (at < this.at) return false;
    Object.assign(this, { at, comparison, scores, wrote });
    return true;
  }

  get choice() {
    if (!this.comparison) return null;
    if (this.comparison.kind !== "prefer") return this.comparison.kind;
    return this.comparison.candidate === this.ids[0] ? "first" : "second";
  }

  score(candidate, line = null) {
    return this.scores.find((each) => each.candidate === candidate && each.line === line) ?? null;
  }

  /** What to send for a choice; tags stay as they are unless named. */
  comparing(choice, tags = undefined) {
    const prefers = choice === "first" || choice === "second";
    const better = prefers ? { kind: "prefer", candidate: this.ids[choice === "first" ? 0 : 1] } : { kind: choice };
    return tags === undefined ? better : { ...better, tags };
  }

  /** The comparison's tags with one more, or one less. */
  toggled(tag) {
    const { tags } = this.comparison;
    return tags.includes(tag) ? tags.filter((each) => each !== tag) : [...tags, tag];
  }
}
