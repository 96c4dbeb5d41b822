// The verbs that go over HTTP, beside the socket.

import { csrf } from "./csrf.js";
import { word } from "./words.js";

/** `read(path)` answers what the server tells, or null; a path as below. */
export function reader({ api }) {
  return async (path) => {
    const answer = await fetch(addressOf(api, path)).catch(() => null);
    return answer?.ok ? answer.json().catch(() => null) : null;
  };
}

/** `post(path, body)` answers what the server tells, or throws a sentence. A path without a slash is the session's own. */
export function poster({ api }) {
  return async (path, body) => {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
    const answer = await fetch(addressOf(api, path), { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (answer?.ok && told) return told;
    throw new Error(told?.message ?? word("rate_failed"));
  };
}

function addressOf(api, path) {
  return path.startsWith("/") ? `/api/v1${path}` : api + path;
}
