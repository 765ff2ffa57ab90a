// Keep the language that a reader chose for examples of code, on all pages.

const KEY = "sample-language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

const choices = [...document.querySelectorAll("input[name=sample-language]")];
const last = choices.find(({ id }) => id === remembered());
if (last) last.checked = true;
for (const choice of choices) {
  choice.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, choice.id);
    } catch {
      // see above
    }
  });
}
