// Keep the reader's choice of light or dark. Not a module: it must run before the first paint.

"use strict";

(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

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
      localStorage.setItem(KEY, value);
    } catch {
      // see above
    }
  }

  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

  function tell(button) {
    button.setAttribute("aria-pressed", String(isDark()));
  }

  root.classList.add("js");
  if (chosen()) root.dataset.theme = chosen();

  addEventListener("storage", (event) => {
    if (event.key === KEY) root.dataset.theme = chosen();
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      tell(button);
      system.addEventListener("change", () => tell(button));
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        keep(root.dataset.theme);
        tell(button);
      });
    }
  });
})();
