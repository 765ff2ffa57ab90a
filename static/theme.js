// Keep the reader's choice of theme: the system's, light or dark. Not a module: it must run before the first paint.

"use strict";

(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const ORDER = ["", "light", "dark"]; // an empty text: as the system

  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : "";
    } catch {
      return ""; // storage is forbidden: the choice lasts as long as the page
    }
  }

  function keep(value) {
    try {
      if (value) localStorage.setItem(KEY, value);
      else localStorage.removeItem(KEY);
    } catch {
      // see above
    }
  }

  function choose(value) {
    if (value) root.dataset.theme = value;
    else delete root.dataset.theme;
  }

  function show() {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) tell(button);
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", button.dataset.themeChoice === (root.dataset.theme || ""));
    }
  }

  function tell(button) {
    const words = button.dataset[root.dataset.theme || "system"];
    button.setAttribute("aria-label", words);
    button.title = words;
  }

  root.classList.add("js");
  choose(chosen());

  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    choose(chosen());
    show();
  });

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle], [data-theme-choice]");
    if (!button) return;
    const next = ORDER[(ORDER.indexOf(root.dataset.theme || "") + 1) % ORDER.length];
    const value = button.dataset.themeChoice ?? next;
    choose(value);
    keep(value);
    show();
  });
})();
