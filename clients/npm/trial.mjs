// One client's run in Node: the same questions, checks and report as clients/trial.py.

import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";

const task = JSON.parse(readFileSync(0, "utf8"));
export const baseURL = task.base_url;
export const apiKey = task.api_key;

export const QUESTION = "Какая столица России?";
export const WEATHER_QUESTION = "Какая погода в городе Томск?";
export const PERSON_REQUEST = "Заполни карточку человека: имя «Анна», возраст 31 год.";
export const TEXTS = ["Волга впадает в Каспийское море.", "Сегодня в столовой борщ."];
export const City = z.object({ city: z.string() });
export const Person = z.object({ name: z.string(), age: z.int() });

let asked = [];

/** Names of what was asked, and whether each was answered as it should be: any feature may return it. */
export class Answered {
  constructor(calls) {
    Object.assign(this, calls);
  }
}

/** Answer the tool's call and remember the city. */
export function getWeather({ city }) {
  asked.push(city);
  return "минус 20";
}

const isCapital = (text) => text.includes("Москва");
const isWeather = (text) => asked.includes("Томск") && text.includes("20");
const checks = {
  chat: isCapital,
  stream: (pieces) => pieces.filter(Boolean).length > 1 && isCapital(pieces.join("")),
  tools: isWeather,
  streamed_tools: (pieces) => isWeather(pieces.join("")),
  structured: (persons) =>
    persons.length > 0 && persons.every(({ name, age }) => name === "Анна" && age === 31),
  embeddings: ([first, second]) =>
    first.length > 0 && first.length === second.length && first.some((x, i) => x !== second[i]),
  account: (calls) => Object.keys(calls).length > 0 && Object.values(calls).every(Boolean),
};

/** Try every feature on every model and report; see `run` of clients/trial.py for the shapes. */
export async function run(packages, features) {
  const require = createRequire(import.meta.url);
  const versions = Object.fromEntries(
    packages.map((name) => [name, require(`./node_modules/${name}/package.json`).version]),
  );
  report({ versions: { "Node.js": process.versions.node, ...versions } });
  for (const [index, model] of task.chat_models.entries()) {
    for (const [feature, ask] of Object.entries(features)) {
      const asks = feature === "embeddings" ? task.embedding_models[index] : model;
      report({ model, feature, outcome: "The client did not finish." });
      report({ model, feature, outcome: await attempt(ask, asks, checks[feature]) });
    }
  }
}

async function attempt(ask, model, check) {
  asked = [];
  try {
    const result = await ask(model);
    if (result instanceof Answered) check = checks.account;
    return check(result) ? "pass" : `Unexpected answer: ${JSON.stringify(result)}`.slice(0, 300);
  } catch (error) {
    return `${error.name}: ${error.message}`.split("\n")[0].slice(0, 300);
  }
}

function report(line) {
  appendFileSync(task.report, `${JSON.stringify(line)}\n`);
}
