// The review page by keyboard. A decision is sent and the next pair put in its place without a reload; the forms and
// links of the page do the same by themselves where this does not run. No pair is fetched before it is looked at: each
// fetch is a view in the trail.

import { listen } from "./keys.js";

let busy = false;

/** A page as a document: the browser parses it without running anything in it. */
function fetched(method, address, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.responseType = "document";
    request.onload = () =>
      request.status < 400 && request.response ? resolve(request) : reject(new Error(String(request.status)));
    request.onerror = () => reject(new Error("offline"));
    request.send(body);
  });
}

async function go(method, address, body, otherwise) {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetched(method, address, body);
    const main = answer.response.querySelector("main");
    if (!main?.querySelector("[data-review]")) {
      location.assign(answer.responseURL); // the queue, or a login: a page of its own
      return;
    }
    show(main, answer);
    history.pushState(null, "", answer.responseURL);
  } catch {
    otherwise(); // the browser's own way shows what is wrong
  } finally {
    busy = false;
  }
}

function show(main, answer) {
  document.title = answer.response.title;
  document.querySelector("main").replaceWith(document.adoptNode(main));
  scrollTo(0, 0);
  ready();
  main.querySelector("[data-said]").textContent = main.querySelector(".review-title").textContent;
}

function ready() {
  document.querySelector("[data-help]").hidden = false;
}

function help() {
  const keys = document.getElementById("keys");
  keys.hidden = !keys.hidden;
  document.querySelector("[data-help]").setAttribute("aria-expanded", String(!keys.hidden));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("[data-review]")) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  go("POST", form.action, body, () => location.reload());
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) help();
  const link = event.target.closest("[data-review] a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go("GET", link.href, null, () => location.assign(link.href));
});

addEventListener("popstate", () => location.reload());

const OTHER_NAMES = { ArrowRight: "n", ArrowLeft: "p" };

listen((key) => {
  const discard = document.querySelector("[data-discard]");
  const armed = discard.classList.contains("armed");
  discard.classList.toggle("armed", key === "d");
  if (key === "d") return true;
  const wanted = armed
    ? discard.querySelector(`[data-reason="${CSS.escape(key)}"]`)
    : document.querySelector(`[data-key="${CSS.escape(OTHER_NAMES[key] ?? key)}"]`);
  wanted?.click();
  return Boolean(wanted);
});

ready();
