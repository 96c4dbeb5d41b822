// The verbs that go over HTTP, beside the socket.

import { word } from "./words.js";

/** `post(path, body)` answers what the server tells, or throws a sentence. A path without a slash is the session's own. */
export function poster({ api, csrf }) {
  return async (path, body) => {
    const address = path.startsWith("/") ? `/api/v1${path}` : api + path;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (answer?.ok && told) return told;
    throw new Error(told?.message ?? word("rate_failed"));
  };
}
