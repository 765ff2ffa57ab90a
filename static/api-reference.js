// Start Swagger UI on the page of the API's reference, light or dark as the page is.

"use strict";

const element = document.getElementById("api-reference");
const root = document.documentElement;
const system = window.matchMedia("(prefers-color-scheme: dark)");

function takeTheme() {
  const theme = root.dataset.theme || (system.matches ? "dark" : "light");
  root.classList.toggle("dark-mode", theme === "dark");
}

takeTheme();
system.addEventListener("change", takeTheme);
new MutationObserver(takeTheme).observe(root, { attributeFilter: ["data-theme"] });

window.SwaggerUIBundle({
  domNode: element,
  url: element.dataset.document,
  // The default would send the document to a host of others.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  presets: [window.SwaggerUIBundle.presets.apis],
});
