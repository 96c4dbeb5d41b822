// The session page: puts the pieces together. Each piece knows its own matter; here is only who tells whom.

import { Ask } from "./ask.js";
import { Clock } from "./clock.js";
import { csrf } from "./csrf.js";
import { Desk } from "./desk.js";
import { write } from "./dom.js";
import { Editor } from "./editor.js";
import { Inspirations } from "./inspirations.js";
import { Lesson } from "./lesson.js";
import { Lines } from "./lines.js";
import { Manuscript } from "./manuscript.js";
import { Photos } from "./photos.js";
import { pinsOf } from "./pins.js";
import { poster, reader } from "./post.js";
import { Ratings } from "./ratings.js";
import { Sheet } from "./sheet.js";
import { Socket } from "./socket.js";
import { difference } from "./splice.js";
import { Store, persist } from "./store.js";
import { uuid } from "./uuid.js";
import { VerseSaid } from "./verse_said.js";
import { counted, word } from "./words.js";

const REFUSED_FOR = 10_000;

const root = document.getElementById("desk");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const { session } = root.dataset;
const goal = Number(root.dataset.goal) || null;
const now = () => performance.now();
const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });

const clock = new Clock();
const lines = new Lines(part("lines"), () => editor.focused && editor.keepInSight());
let manuscript = null;
let timer = null;
let persisted = false;

const store = new Store({ session, copy: () => manuscript?.copy() ?? null, told: () => tell() });
const address = `${location.protocol.replace("http", "ws")}//${location.host}${root.dataset.socket}`;
const socket = new Socket({ url: address, heard, told: line });

const editor = new Editor({
  parent: part("editor"),
  nonce: root.dataset.nonce,
  label: word("manuscript"),
  hint: word("hint"),
  indent: "indent" in root.dataset,
  ports: {
    changed: () => (manuscript.touch(now()), store.soon(), plan()),
    counted: showCount,
    composing: (is) => manuscript && (manuscript.compose(is, now()), plan(), store.soon()),
    ask: () => ask.ask(),
    over: () => clock.over,
  },
});

const desk = new Desk({
  root,
  clock,
  shown: "showClock" in root.dataset,
  ports: {
    lines,
    send: (message) => socket.send(message) || lines.show("offline_turn", word("turn_waits")),
    flush: () => (manuscript.flush(now()), plan()),
    saved: () => manuscript?.state === "saved",
    measure,
    leave: () => location.assign(root.dataset.finished),
    finishedUrl: root.dataset.finished,
  },
});

const heardOnly = (sentence) => write(part("heard"), sentence);

const post = poster({ api: root.dataset.api });
const read = reader({ api: root.dataset.api });
const verseSaid = new VerseSaid({ root, box: part("verse-said"), say: heardOnly });

const ratings =
  "rate" in root.dataset
    ? new Ratings({ post, tags: root.dataset.tags.split(" "), ledger: root.dataset.ledger, say: heardOnly })
    : null;

const inspirations = new Inspirations({
  list: part("inspirations"),
  ports: {
    send: (message) => socket.send(message),
    take: (text, apart) => (editor.insert(text, { apart }), sheet.backToManuscript()),
    again: (told) => ask.again(told),
    say: heardOnly,
    post,
    read,
    pins: pinsOf(session),
    hideVerse: () => verseSaid.hide(),
    ratings,
    arrived: (element) => element.scrollIntoView({ block: sheet.open ? "start" : "nearest" }),
  },
});

const ask = new Ask({
  form: part("ask"),
  send: (message) => socket.send(message),
  before: (limit) => editor.before(limit),
  imagery: () => photos.imagery,
  where: session,
  lesson: new Lesson({ place: part("lesson"), read }),
  rhymes: JSON.parse(document.getElementById("rhymes").textContent),
});
const photos = new Photos({
  place: part("photos"),
  api: root.dataset.api,
  say: heardOnly,
  arrived: () => sheet.show(),
});
const sheet = new Sheet({ root, editor, opener: part("open"), close: part("close"), well: part("well") });

// --- the manuscript -------------------------------------------------------------------------------------------------

async function begin() {
  showCount(0);
  const copy = await store.open();
  manuscript = new Manuscript({
    copy,
    fresh: root.dataset.rev === "0",
    limit: Number(root.dataset.limit),
    ports: {
      read: () => editor.text,
      show: (text) => editor.show(text),
      send: (message) => socket.send(message),
      told: tell,
      again: () => socket.connect(),
      id: uuid,
    },
  });
  if (copy) editor.show(copy.text);
  tell();
  socket.connect();
}

/** One timer for whatever the manuscript has to do next. */
function plan() {
  clearTimeout(timer);
  const due = manuscript.dueAt;
  if (due !== null) timer = setTimeout(() => (manuscript.settle(now()), plan()), Math.max(0, due - now()));
}

function tell() {
  if (!manuscript) return;
  const { state } = manuscript;
  if (manuscript.editable && !editor.opened) openEditor();
  root.dataset.saved = state;
  write(part("state"), word(state === "device" && !store.works ? "state_unkept" : `state_${state}`));
  store.soon();
  if (state === "device" && store.works && !persisted) persisted = !persist();
  if (state === "too_long") lines.show("too_long", word("too_long", { n: Number(root.dataset.limit) }));
  else lines.hide("too_long");
  tellConflict();
  desk.settle();
  plan();
}

function openEditor() {
  editor.open();
  if (matchMedia("(pointer: fine)").matches) editor.focus();
}

function tellConflict() {
  if (!manuscript.conflict) return lines.hide("conflict");
  const choose = (answer) => () => (manuscript.choose(answer, now()), editor.focus());
  const there = difference(manuscript.base.text, manuscript.conflict.text).text.trim();
  lines.show("conflict", word(there ? "conflict" : "conflict_gone"), {
    quote: there.slice(0, 400),
    actions: ["mine", "theirs", "both"].map((answer) => [word(`keep_${answer}`), choose(answer)]),
  });
}

function showCount(count) {
  const reached = goal !== null && count >= goal;
  if (goal === null) write(part("count"), counted("count", { n: count }));
  else write(part("count"), word(reached ? "count_reached" : "count_of", { n: count, goal }));
}

// --- the line -------------------------------------------------------------------------------------------------------

function heard(message) {
  lines.hide("offline_turn");
  if (message.type === "hello") greet(message);
  else if (message.type === "pong") pong(message);
  else if (message.type === "session") desk.set(message);
  else if (message.type === "notice" && message.kind === "engine") engine(message);
  else if (message.type === "notice" && message.kind.startsWith("photo")) photo(message);
  else if (["saved", "conflict", "revision"].includes(message.type)) manuscript.received(message, now());
  else if (["frame", "reset", "end", "taken"].includes(message.type)) inspirations.received(message);
  else if (message.type === "rated") inspirations.rated(message.inspiration, message.rating, message.at_ms);
  else if (message.type === "queued") (ask.received(message), inspirations.received(message));
  else if (message.type === "invalid") ask.received(message);
  else if (["busy", "error"].includes(message.type)) refused(message);
  plan();
}

/** A no goes to whoever asked; one that names nothing is told above the foot for a while. */
function refused(message) {
  manuscript.received(message, now());
  if (inspirations.refused(message) || ask.received(message) || message.type === "busy" || message.ref) return;
  lines.show("refused", message.message);
  setTimeout(() => lines.hide("refused"), REFUSED_FOR);
}

function photo(message) {
  photos.noticed(message);
  if (message.kind === "photo_gone") inspirations.photoGone(message.id);
}

function greet(hello) {
  clock.hint(hello.now_ms);
  desk.set(hello.session);
  measure();
  manuscript.hello(hello.manuscript, now());
  inspirations.hello(hello.inspirations, hello.now_ms);
  ask.resume(inspirations.keys);
  photos.hello(hello.photos);
  engine(hello.engine);
}

function measure() {
  clock.measure();
  socket.ping();
}

function pong({ now_ms, sent, received }) {
  clock.sample(now_ms, sent, received);
  if (clock.measuring) socket.ping();
}

function line(state) {
  if (state === "online") return lines.hide("offline"), lines.hide("no_login");
  if (state === "connecting") return;
  manuscript.offline();
  if (state === "offline") lines.show("offline", word(store.works ? "offline" : "offline_unkept"));
  else if (state === "crowded") lines.show("offline", word("crowded"));
  else lines.hide("offline");
  if (state === "no_login") lines.show("no_login", word("no_login"), { href: [word("log_in"), root.dataset.login] });
  if (state === "no_session") lines.show("no_session", word("no_session"));
}

function engine({ state, progress }) {
  const place = part("engine");
  const share = progress === null ? "" : percent.format(progress);
  if (state === "ready") write(place, "");
  else if (state === "loading" && share) write(place, word("engine_loading_share", { share }));
  else write(place, word(`engine_${state}`));
}

// --- coming and going -----------------------------------------------------------------------------------------------

function away() {
  if (!manuscript) return;
  manuscript.flush(now());
  store.now();
  plan();
}

/** The last words of a page that is put away without an open line; the body of such a request has at most 64 KiB. */
function farewell() {
  const message = manuscript?.farewell();
  const body = message && JSON.stringify(message);
  if (!body || new TextEncoder().encode(body).length > 60_000) return;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf() };
  fetch(root.dataset.save, { method: "POST", keepalive: true, headers, body }).catch(() => {}); // the copy here stays
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") return socket.wake(), measure(), desk.tick();
  away();
  if (!socket.online) farewell();
});
addEventListener("pagehide", () => (away(), farewell()));
addEventListener("pageshow", ({ persisted: cached }) => cached && socket.connect());
addEventListener("online", () => socket.wake());
addEventListener("offline", () => socket.online && socket.ping());
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing && !event.defaultPrevented) {
    event.preventDefault();
    ask.ask();
  }
});

begin();
