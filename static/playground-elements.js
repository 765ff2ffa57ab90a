// The pieces that the playground's conversation is made of.

import { setOut } from "./json-text.js";

export function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export function link(address, text) {
  const made = element("a", "", text);
  made.href = address;
  return made;
}

/** A block that keeps the lines and the spaces of a text, and breaks what is too long. */
export function textBlock(className = "") {
  return element("div", `playground-text ${className}`.trim());
}

/** A block of JSON, set out; of what is no JSON yet, as it is. */
export function jsonBlock(text = "") {
  return element("pre", "code playground-text", setOut(text));
}

export function article(title) {
  const made = element("article", "card stack");
  made.append(element("h2", "card-title", title));
  return made;
}

export function button(text, press, className = "button button-small button-quiet") {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", () => press(made));
  return made;
}
