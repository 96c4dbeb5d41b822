// The browser knows where it is: told unseen at sign-up, offered among the settings.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = zone;
}

for (const button of document.querySelectorAll("[data-use-zone]")) {
  const field = document.getElementById(button.dataset.useZone);
  button.textContent = button.dataset.sentence.replace("{zone}", zone);
  const offer = () => {
    button.hidden = !zone || field.value === zone;
  };
  button.addEventListener("click", () => {
    field.value = zone;
    offer();
    field.focus();
  });
  field.addEventListener("input", offer);
  offer();
}
