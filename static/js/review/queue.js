// Enter begins with the first pair, unless something else has the focus.

import { listen } from "./keys.js";

listen((key) => {
  const begin = document.querySelector("[data-begin]");
  if (key !== "Enter" || !begin || document.activeElement !== document.body) return false;
  begin.click();
  return true;
});
