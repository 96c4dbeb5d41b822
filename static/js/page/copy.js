// Copies her text as she wrote it, line by line. Where the browser gives no clipboard, it selects the text for her.

const said = document.querySelector(".copy-said");

async function copy(source) {
  const text = Array.from(source.querySelectorAll("p"), (line) => line.textContent).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(document.getElementById(button.dataset.copy));
    said.textContent = copied ? button.dataset.copied : button.dataset.selected;
  });
}
