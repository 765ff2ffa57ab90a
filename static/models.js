// Filter the catalogue while the reader types: the server narrows the list, as it does without scripts.

const WAIT_MS = 200;
const form = document.querySelector("form[data-live]");
const target = form.dataset.live;
const status = document.querySelector("[data-live-status]");
let timer = 0;
let current = null;

form.querySelector("[data-live-button]").hidden = true;

async function refresh() {
  const fields = new URLSearchParams(
    [...new FormData(form)].filter(([name, value]) => value && !(name === "sort" && value === "name")),
  );
  const address = fields.size ? `${form.action}?${fields}` : form.action;
  current?.abort();
  current = new AbortController();
  try {
    const response = await fetch(address, { signal: current.signal });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    document.querySelector(target).replaceChildren(...page.querySelector(target).childNodes);
    status.textContent = document.querySelector(`${target} h2`).textContent;
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") form.submit();
  }
}

function later(wait) {
  clearTimeout(timer);
  timer = setTimeout(refresh, wait);
}

form.addEventListener("input", (event) => later(["search", "number"].includes(event.target.type) ? WAIT_MS : 0));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  later(0);
});
