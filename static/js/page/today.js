// Another theme of the term, in place: what she has typed stays.

const form = document.querySelector("form.start");
const theme = form.querySelector(".theme");
const chosen = form.elements.namedItem("suggestion");
const themes = Array.from(form.querySelectorAll(".themes li"), (item) => item.textContent);

form.querySelector(".another").addEventListener("click", (event) => {
  event.preventDefault();
  const next = themes[(themes.indexOf(chosen.value) + 1) % themes.length];
  chosen.value = next;
  theme.textContent = next;
  theme.lang = document.documentElement.lang;
});
