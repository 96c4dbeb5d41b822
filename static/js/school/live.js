// While a run goes its figures are fetched again and put in place; once it has ended, the whole article is, with its
// verdict. Nothing is fetched while nobody looks, and nothing any more after the end.

const EVERY = 3000; // milliseconds
const said = document.querySelector("[data-said]");
let waiting = 0;

/** A page or a part of one as a document; null when it could not be had. Trusted types allow no other parser. */
function fetched(url) {
  return new Promise((tell) => {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.addEventListener("load", () => tell(request.status === 200 ? request.response : null));
    request.addEventListener("error", () => tell(null));
    request.open("GET", url);
    request.send();
  });
}

function replace(selector, from) {
  const old = document.querySelector(selector);
  const fresh = document.importNode(from.querySelector(selector), true);
  const focused = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (focused) fresh.querySelector("h1")?.focus();
  return fresh;
}

async function look() {
  const live = document.querySelector("[data-live]");
  const part = await fetched(live.dataset.url);
  const fresh = part?.querySelector("[data-live]");
  if (fresh) {
    const moved = fresh.dataset.state !== live.dataset.state;
    if (moved) said.textContent = fresh.dataset.state;
    if (fresh.dataset.going === undefined) return end();
    replace("[data-live]", part);
  }
  again();
}

async function end() {
  const page = await fetched(location.href);
  if (page?.querySelector("[data-run]")) replace("[data-run]", page);
  else again();
}

function again() {
  clearTimeout(waiting);
  if (!document.hidden) waiting = setTimeout(look, EVERY);
}

if (document.querySelector("[data-live][data-going]")) {
  again();
  document.addEventListener("visibilitychange", () => {
    if (document.querySelector("[data-live][data-going]")) again();
  });
}
