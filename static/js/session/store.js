// The copy on this device: what the server does not have yet, by session and page, in IndexedDB. A page that ends keeps its
// record; the next one takes it over. A record whose page still lives is guarded by a Web Lock.

import { uuid } from "./uuid.js";

const WAIT = 200;
const OPENED_WITHIN = 3000; // some browsers never answer where storage is forbidden
const COPIES = "copies";
const BASES = "bases"; // apart from the copies, because they change more rarely and are as long

export class Store {
  /** `copy()` answers what is to be kept, or null; `told()` is called when keeping begins to fail. */
  constructor({ session, copy, told }) {
    Object.assign(this, { session, copy, told });
    this.database = null;
    this.page = uuid();
    this.baseRev = null; // the one in the database
    this.empty = true;
    this.timer = null;
  }

  /** Whether what she writes is kept here. */
  get works() {
    return this.database !== null;
  }

  /** Opens the store and answers the copy that an earlier page left, or null. */
  async open() {
    try {
      this.database = await within(OPENED_WITHIN, openDatabase());
      this.database.onclose = () => this.#fail();
      return await this.#inherit();
    } catch {
      this.#fail();
      return null;
    }
  }

  /** Keeps the copy a moment later: every change calls this. */
  soon() {
    this.timer ??= setTimeout(() => this.now(), WAIT);
  }

  now() {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.database) return;
    const copy = this.copy();
    if (copy) this.#put(copy);
    else if (!this.empty) this.#remove();
  }

  async #inherit() {
    const all = await asked(this.database.transaction(COPIES).objectStore(COPIES).getAll(range(this.session)));
    for (const record of all.sort((one, other) => other.at - one.at)) {
      if (await guard(this.session, record.page)) return this.#take(record);
    }
    await guard(this.session, this.page);
    return null;
  }

  async #take({ page, text, sent }) {
    const base = await asked(this.database.transaction(BASES).objectStore(BASES).get([this.session, page]));
    this.page = page;
    this.baseRev = base.rev;
    this.empty = false;
    return { text, sent, base: { rev: base.rev, text: base.text } };
  }

  #put({ base, sent, text }) {
    const key = { session: this.session, page: this.page };
    this.#change((copies, bases) => {
      copies.put({ ...key, at: Date.now(), sent, text });
      if (base.rev !== this.baseRev) bases.put({ ...key, ...base });
    });
    this.baseRev = base.rev;
    this.empty = false;
  }

  #remove() {
    this.#change((copies, bases) => [copies, bases].forEach((store) => store.delete([this.session, this.page])));
    this.baseRev = null;
    this.empty = true;
  }

  #change(work) {
    try {
      const transaction = this.database.transaction([COPIES, BASES], "readwrite", { durability: "strict" });
      transaction.onabort = () => this.#fail();
      work(transaction.objectStore(COPIES), transaction.objectStore(BASES));
      transaction.commit?.();
    } catch {
      this.#fail();
    }
  }

  #fail() {
    this.database = null;
    this.told();
  }
}

function openDatabase() {
  const opening = indexedDB.open("bailu", 1);
  opening.onupgradeneeded = () => {
    for (const name of [COPIES, BASES]) opening.result.createObjectStore(name, { keyPath: ["session", "page"] });
  };
  return asked(opening);
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

function within(milliseconds, promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), milliseconds));
  return Promise.race([promise, late]);
}

/** The sessions of which this device still holds something. */
export async function sessionsLeft() {
  const database = await openDatabase();
  const keys = await asked(database.transaction(COPIES).objectStore(COPIES).getAllKeys());
  database.close();
  return [...new Set(keys.map(([session]) => session))];
}

function range(session) {
  return IDBKeyRange.bound([session], [session, []]);
}

/**
 * Holds the lock of a page until this one ends; false when it is held. Without locks every record is taken: two pages that
 * send the same text agree at once.
 */
function guard(session, page) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(`bailu ${session} ${page}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    });
  });
}

/** Asks the browser not to tidy the copy away. */
export async function persist() {
  if (navigator.storage?.persist && !(await navigator.storage.persisted())) await navigator.storage.persist();
}
