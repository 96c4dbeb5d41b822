// A page of the manuscript's tests: a screen, its state machine, and everything it sent.

import { Manuscript } from "../../static/js/session/manuscript.js";

export function page(options = {}) {
  const it = { screen: options.copy?.text ?? "", out: [], again: 0, ids: 0 };
  const ports = {
    read: () => it.screen,
    show: (text) => (it.screen = text),
    send: (message) => it.out.push(message),
    told: () => {},
    again: () => (it.again += 1),
    id: () => `${options.name ?? "page"}-${(it.ids += 1)}`,
  };
  it.manuscript = new Manuscript({ ports, limit: 500_000, ...options });
  it.type = (text, now) => {
    it.screen = text;
    it.manuscript.touch(now);
  };
  return it;
}
