// Go to a page, a key or a model by its name: Ctrl+K opens a list, the arrows and Enter choose.

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-words");
const found = document.getElementById("palette-places");
const nothing = document.getElementById("palette-nothing");
const status = document.getElementById("palette-status");
const REQUEST_ID = /^(gen-|msg_|resp_)[0-9a-f]{32}$/;
const MOST_SHOWN = 8; // keys or models: who looks for more writes more

const pages = { title: input.dataset.pagesTitle, places: pagesOf(document) };
let others; // groups of keys and models, asked for when the list is first opened

function pagesOf(page) {
  const links = page.querySelectorAll(".cabinet > .cabinet-nav a, .site-nav a");
  const named = new Map([...links].map((link) => [link.getAttribute("href"), link.textContent.trim()]));
  return [...named].map(([address, name]) => ({ address, name, note: "" }));
}

function line({ address, name, note }) {
  const link = document.createElement("a");
  link.href = address;
  link.append(name);
  if (note) {
    const beside = document.createElement("span");
    beside.className = "mono small muted";
    beside.textContent = note;
    link.append(" ", beside);
  }
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function shown({ title, places }) {
  const heading = document.createElement("p");
  heading.className = "cabinet-nav-title";
  heading.textContent = title;
  const list = document.createElement("ul");
  list.setAttribute("aria-label", title);
  list.append(...places.map(line));
  return [heading, list];
}

function matching({ title, places }, words, most) {
  const all = words.split(/\s+/);
  const meets = ({ name, note }) => all.every((word) => `${name} ${note}`.toLowerCase().includes(word));
  return { title, places: places.filter(meets).slice(0, most) };
}

function fill() {
  const words = input.value.trim().toLowerCase();
  const groups = [matching(pages, words)];
  if (words) groups.push(...(others ?? []).map((group) => matching(group, words, MOST_SHOWN)));
  if (REQUEST_ID.test(words)) {
    const request = { address: `${input.dataset.requestsPage}?id=${words}`, name: words, note: "" };
    groups.unshift({ title: input.dataset.requestWords, places: [request] });
  }
  const full = groups.filter(({ places }) => places.length);
  const chosen = found.contains(document.activeElement) && document.activeElement.href;
  found.replaceChildren(...full.flatMap(shown));
  // Keys and models may arrive when the arrows have already left the field.
  if (chosen) [...found.querySelectorAll("a")].find(({ href }) => href === chosen)?.focus();
  nothing.hidden = full.length > 0;
  const count = found.querySelectorAll("a").length;
  status.textContent = nothing.hidden ? `${status.dataset.found} ${count}` : nothing.textContent;
}

async function fetchOthers() {
  const response = await fetch(input.dataset.places);
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  others = (await response.json()).groups;
  fill();
}

function open() {
  input.value = "";
  fill();
  dialog.showModal();
  input.focus();
  if (!others) fetchOthers().catch(() => {}); // the pages are there all the same
}

function move(step) {
  const places = [input, ...found.querySelectorAll("a")];
  const next = places.indexOf(document.activeElement) + step;
  places[(next + places.length) % places.length].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.code === "KeyK" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  }
});
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    move(step);
  }
  if (event.key === "Enter" && document.activeElement === input) {
    event.preventDefault();
    found.querySelector("a")?.click();
  }
  if (event.key === "Escape") {
    event.preventDefault(); // a field of search would only empty itself
    dialog.close();
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // outside of what it shows
});
input.addEventListener("input", fill);
for (const button of document.querySelectorAll("[data-palette]")) {
  if (/Mac|iP/.test(navigator.platform)) button.title = "⌘K";
  button.addEventListener("click", open);
}
