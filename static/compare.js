// Choose models in the catalogue to compare: a choice outlives the filters, and stops at the most that fit.

const form = document.getElementById("compare");
const status = form.querySelector("[data-compare-status]");
const button = form.querySelector("button");
const found = document.getElementById("found");
const most = Number(form.dataset.most);
const FEWEST = 2;
const hint = status.textContent;
const chosen = new Set();

function boxes() {
  return found.querySelectorAll("input[name=model]");
}

function show() {
  for (const box of boxes()) {
    box.checked = chosen.has(box.value);
    box.disabled = chosen.size >= most && !box.checked;
  }
  const words = status.dataset.words.replace("{count}", chosen.size).replace("{most}", most);
  status.textContent = chosen.size ? words : hint;
  button.hidden = chosen.size < FEWEST;
  form.classList.toggle("compare-bar-used", chosen.size > 0);
}

for (const box of boxes()) if (box.checked) chosen.add(box.value); // the browser keeps them for Back
found.addEventListener("change", ({ target }) => {
  if (target.name !== "model") return;
  if (target.checked) chosen.add(target.value);
  else chosen.delete(target.value);
  show();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  location.assign(`${form.action}?${new URLSearchParams([...chosen].map((id) => ["model", id]))}`);
});
new MutationObserver(show).observe(found, { childList: true }); // the filters bring other rows
show();
