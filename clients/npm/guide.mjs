// What a guide of docs/ tells its reader to write, taken as it stands but for address, key and model.

import { readFileSync } from "node:fs";
import * as trial from "./trial.mjs";

const MODEL = /\b(?:gigachat-2-max|gpt-5\.5)\b/g;

/** Return the first block of a language under a heading, as a reader with this model would write it. */
export function block(file, heading, language, model) {
  const text = readFileSync(`docs/${file}`, "utf8");
  const section = text.slice(text.indexOf(`${heading}\n`));
  const [, found] = section.match(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "ms"));
  return found
    .replaceAll("http://localhost:8000", trial.baseURL.replace(/\/v1$/, ""))
    .replaceAll("YOUR_KEY", trial.apiKey)
    .replaceAll(MODEL, model);
}

/** Return the variables that a block of shell exports. */
export function exported(shell) {
  return Object.fromEntries([...shell.matchAll(/^export (\w+)=(.*)$/gm)].map(([, k, v]) => [k, v]));
}
