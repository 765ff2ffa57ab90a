// Keep the language that a reader chose for examples of code, in every example and on all pages.

const KEY = "sample-language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

const choices = [...document.querySelectorAll("input[data-sample-language]")];

function choose(language) {
  for (const choice of choices) {
    if (choice.dataset.sampleLanguage === language) choice.checked = true;
  }
}

choose(remembered());
for (const choice of choices) {
  choice.addEventListener("change", () => {
    const before = choice.getBoundingClientRect().top;
    choose(choice.dataset.sampleLanguage);
    // Examples above may be longer now, or shorter: what is looked at stays where it was.
    scrollBy(0, choice.getBoundingClientRect().top - before);
    try {
      localStorage.setItem(KEY, choice.dataset.sampleLanguage);
    } catch {
      // see above
    }
  });
}
