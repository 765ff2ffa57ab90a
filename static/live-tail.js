// New requests come to the top of the list by themselves while the switch is on and the page is seen.

const EVERY_MS = 5000;
const KEY = "live-tail";
const control = document.querySelector("[data-live-tail]");
const status = document.querySelector("[data-live-tail-status]");
const address = location.href; // the panel of a request changes the page's own
let timer = 0;
let isOn = false;

function keep() {
  try {
    if (isOn) sessionStorage.setItem(KEY, "on");
    else sessionStorage.removeItem(KEY);
  } catch {
    // storage is forbidden: the switch lasts as long as the page
  }
}

function wasOn() {
  try {
    return sessionStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

/** Bring the rows up to those of `page`, and return how many are new; the others stay, and the focus in them. */
function merge(page) {
  const body = document.querySelector("#requests tbody");
  const fresh = [...page.querySelectorAll("#requests tbody > tr")];
  const known = new Map([...body.children].map((row) => [row.dataset.request, row]));
  const wanted = new Set(fresh.map((row) => row.dataset.request));
  for (const [id, row] of known) if (!wanted.has(id)) row.remove();
  let place = body.firstElementChild;
  let count = 0;
  for (const row of fresh) {
    if (place && place.dataset.request === row.dataset.request) {
      place = place.nextElementSibling;
      continue;
    }
    row.classList.add("is-new");
    body.insertBefore(row, place);
    count += 1;
  }
  const pages = page.querySelector("[data-pages]");
  if (count && pages) document.querySelector("[data-pages]").replaceChildren(...pages.childNodes);
  return count;
}

async function refresh() {
  const response = await fetch(address);
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!isOn) return;
  const hasRows = page.querySelector("#requests tbody") !== null;
  if (hasRows && !document.querySelector("#requests tbody")) location.reload(); // the first of all
  const count = hasRows ? merge(page) : 0;
  if (count) status.textContent = `${status.dataset.came} ${count}`;
}

async function turn() {
  clearTimeout(timer);
  if (!isOn || document.hidden) return;
  try {
    await refresh();
  } catch {
    set(false);
    status.textContent = status.dataset.lost;
    return;
  }
  clearTimeout(timer); // the page may have been hidden and shown meanwhile
  if (isOn) timer = setTimeout(turn, EVERY_MS);
}

function set(value) {
  isOn = value;
  control.setAttribute("aria-pressed", isOn);
  status.textContent = isOn ? status.dataset.waits : "";
  turn();
}

control.addEventListener("click", () => {
  set(!isOn);
  keep(); // not when the list is lost: leaving the page breaks a request off too
});
document.addEventListener("visibilitychange", turn);
if (wasOn()) set(true);
