// For pages without an editor: what this device still holds for sessions that no page of hers is writing, finished ones among
// them, is sent now. Where it meets another text, both stay.

import { csrf } from "./csrf.js";
import { Manuscript } from "./manuscript.js";
import { Store, sessionsLeft } from "./store.js";
import { uuid } from "./uuid.js";

const TURNS = 8; // messages a copy may need, with patience for one that never agrees

for (const session of await sessionsLeft().catch(() => [])) {
  if ((await bring(session).catch(() => false)) && location.pathname.includes(session)) location.reload();
}

/** Sends every copy of one session; answers whether the server has something new. */
async function bring(session) {
  for (let brought = false; ; brought = true) {
    let manuscript = null;
    const store = new Store({ session, copy: () => manuscript.copy(), told: () => {} });
    const copy = await store.open();
    if (!copy) return brought;
    const out = [];
    manuscript = hold(copy, out);
    await agree(manuscript, out, `/api/v1/sessions/${session}`);
    store.now();
    if (manuscript.state !== "saved") return brought;
  }
}

function hold(copy, out) {
  let screen = copy.text;
  const ports = {
    read: () => screen,
    show: (text) => (screen = text),
    send: (message) => out.push(message),
    told: () => {},
    again: () => {},
    id: uuid,
  };
  return new Manuscript({ copy, ports, limit: Infinity }); // of length the server judges
}

async function agree(manuscript, out, place) {
  const hello = await talk(place);
  manuscript.hello(hello.manuscript, Date.now());
  for (let turn = 0; turn < TURNS && manuscript.state !== "saved"; turn += 1) {
    if (manuscript.conflict) manuscript.choose("both", Date.now());
    manuscript.flush(Date.now());
    if (!out.length) return;
    manuscript.received(await talk(`${place}/save`, out.shift()), Date.now());
  }
}

async function talk(url, message = null) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
  const answer = await fetch(url, message ? { method: "POST", headers, body: JSON.stringify(message) } : {});
  const told = await answer.json();
  if (!answer.ok && told.type !== "error") throw new Error(`answered ${answer.status}`);
  if (answer.status === 404 || answer.status === 401) throw new Error("not hers, or not now");
  return told;
}
