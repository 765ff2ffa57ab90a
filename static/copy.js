// Copy what `data-copy` of a button points at, and say so.

const SHOWN_MS = 2000;

async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without https there is no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("The browser refused to copy.");
}

function textOf(element) {
  return "value" in element ? element.value : element.textContent.trim();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.querySelector(button.dataset.copy);
  if (!source) return;
  const status = document.getElementById("copy-status");
  try {
    await copy(textOf(source));
  } catch {
    getSelection().selectAllChildren(source);
    status.textContent = status.dataset.failed;
    return;
  }
  if (button.dataset.label) return;
  button.focus();
  button.dataset.label = button.textContent;
  button.textContent = status.dataset.copied;
  status.textContent = status.dataset.copied;
  setTimeout(() => {
    button.textContent = button.dataset.label;
    delete button.dataset.label;
    status.textContent = "";
  }, SHOWN_MS);
});
