// A wait that is told: in how long it is asked again by itself, and a way out of it.

import { make } from "./dom.js";
import { word } from "./words.js";

export class Patience {
  /** `say(text, ...more)` shows a sentence and what can be done about it. */
  constructor(say) {
    this.say = say;
    this.timer = null;
  }

  get waiting() {
    return this.timer !== null;
  }

  /** After a `busy`: `again()` when the time has come, `never()` where she does not want it any more. */
  wait({ retry_after_ms, message }, again, never) {
    this.end();
    this.timer = setTimeout(() => ((this.timer = null), again()), retry_after_ms);
    const seconds = Math.max(1, Math.ceil(retry_after_ms / 1000));
    const stop = make("button", { class: "text-button", type: "button", onclick: never }, word("ask_no_more"));
    this.say(`${message} ${word("ask_again_in", { n: seconds })}`, stop);
  }

  end() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
