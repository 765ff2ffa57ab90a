// Put a new key into the examples of this page, and nowhere else: it goes when the page does.

const block = document.querySelector("[data-example-key]");
const form = block.querySelector("form");
const made = block.querySelector("[data-example-key-made]");
const status = block.querySelector("[data-example-key-status]");
const filled = new Map(); // a text of an example, and what it was before

function fill(key) {
  for (const code of document.querySelectorAll("main pre code")) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      if (!text.data.includes(block.dataset.exampleKey)) continue;
      filled.set(text, text.data);
      text.data = text.data.replaceAll(block.dataset.exampleKey, key);
    }
  }
}

function takeOut() {
  for (const [text, before] of filled) text.data = before;
  filled.clear();
  block.hidden = form.hidden; // it has had its turn
}

async function create() {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (response.redirected || response.status === 403) return { error: block.dataset.loggedOut };
  if (response.status === 429) return { error: block.dataset.tooOften };
  return response.json();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const { key, name, address, error } = await create().catch(() => ({ error: block.dataset.unreached }));
  button.disabled = false;
  status.className = error ? "" : "visually-hidden";
  status.textContent = error ?? "";
  if (error) return;
  fill(key);
  const link = made.querySelector("a");
  link.href = address;
  link.textContent = name;
  form.hidden = true;
  made.hidden = false;
  status.textContent = made.querySelector("p").textContent;
  made.querySelector("button").focus();
});
made.querySelector("button").addEventListener("click", () => {
  takeOut();
  document.getElementById("main").focus();
});
addEventListener("pagehide", takeOut); // a page that the browser keeps for Back does not keep the key
