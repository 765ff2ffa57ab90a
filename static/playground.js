// The playground: a conversation with a model, or with several side by side, streamed.
// What models say is text; HTML of it is the server's, which lets none of theirs through.

import { eventsOf } from "./event-stream.js";
import { WRITERS } from "./playground-code.js";
import { AnswerFormat } from "./playground-format.js";
import { PriceLine } from "./playground-price.js";
import { OfferedTools } from "./playground-tools.js";
import { Turn } from "./playground-turn.js";
import { fill } from "./playground-words.js";

const setup = JSON.parse(document.getElementById("playground-setup").textContent);
const words = setup.words;
const form = document.getElementById("playground");
const part = (name) => document.getElementById(`playground-${name}`);
const fields = [...form.querySelectorAll("[data-parameter]")];
const others = [...form.querySelectorAll("[data-other-model]")];
const format = new AnswerFormat({
  choice: part("format"),
  hint: part("format-hint"),
  place: part("schema-place"),
  area: part("schema"),
  error: part("schema-error"),
  words,
  example: setup.examples.schema,
});
const tools = new OfferedTools({
  card: part("tools-card"),
  area: part("tools"),
  error: part("tools-error"),
  choice: part("tool-choice"),
  fillIn: part("tools-example"),
  words,
  example: setup.examples.tools,
});
const jsonFields = [tools.list, format.schema];

let turns = [];
let lastRequest = null;
const price = priceLine(part("price"));
let running = null; // the AbortController of the request that runs

function priceLine(line) {
  return new PriceLine({ line, words, ask: (body, signal) => post(form.dataset.planPage, body, signal) });
}

const modelOf = (id) => setup.models.find((option) => option.id === id);
const model = () => modelOf(part("model").value);

/** The models that are asked, the first of them that whose settings are shown. */
function models() {
  const ids = [part("model"), ...others].map((select) => select.value).filter(Boolean);
  return [...new Set(ids)].map(modelOf);
}

/** What was said before, as the model of a column is told it. */
function said(column, before = turns) {
  return before.flatMap((turn) => {
    const answered = turn.saidBy(column);
    return answered.length ? [{ role: "user", content: turn.text }, ...answered] : [];
  });
}

// Settings

function showModel() {
  const { description, is_free, formats, has_tools, parameters } = model();
  part("about").textContent = description;
  part("credits").hidden = is_free || setup.hasCredits;
  format.offer(formats);
  tools.offer(has_tools);
  for (const field of fields) {
    const limits = parameters[field.dataset.parameter];
    field.hidden = !limits;
    field.querySelector("input").disabled = !limits;
    if (limits) showLimits(field, limits);
  }
}

function showLimits(field, { min, max, default: usual }) {
  const input = field.querySelector("input");
  input.min = min ?? "";
  input.max = max ?? "";
  input.placeholder = usual ?? words.usual;
  const range = max === undefined ? words.atLeast : words.range;
  const hint = min === undefined && max === undefined ? "" : fill(range, { least: min ?? 0, most: max });
  field.querySelector(".field-hint").textContent = hint;
}

function requestOf(messages, id = model().id) {
  const request = { model: id, messages };
  const system = part("system").value.trim();
  if (system) request.messages = [{ role: "system", content: system }, ...messages];
  for (const field of fields) {
    const { value } = field.querySelector("input");
    if (!field.hidden && value !== "") request[field.dataset.parameter] = Number(value);
  }
  return { ...request, ...format.fields, ...tools.fields, stream: true, stream_options: { include_usage: true } };
}

/** A request for each of the models. */
function requestsOf(text, before = turns) {
  const asked = { role: "user", content: text };
  return models().map(({ id }, column) => requestOf([...said(column, before), asked], id));
}

function draft() {
  const text = part("message").value.trim();
  if (!text && lastRequest) return lastRequest;
  return requestsOf(text)[0];
}

function showCode() {
  if (!part("code").open) return;
  const chosen = form.querySelector("[data-code][aria-current]").dataset.code;
  part("code-text").textContent = wrongJson() ? words.codeWaits : WRITERS[chosen](draft(), setup.baseUrl);
}

function wrongJson() {
  return jsonFields.find(({ fault }) => fault);
}

/** Say whether a request can be made of what is set; if not, show what is wrong. */
function isReady() {
  const wrong = wrongJson();
  if (wrong) {
    wrong.show();
  } else if (!form.checkValidity()) {
    part("parameters").open = true; // what is folded cannot say what is wrong with it
    form.reportValidity();
  } else {
    return true;
  }
  return false;
}

/** The price of what is about to be sent; of nothing, none. */
function showPrice() {
  const text = part("message").value.trim();
  if (running || !text || wrongJson() || !form.checkValidity()) price.clear();
  else price.show(requestsOf(text));
}

function showDraft() {
  showCode();
  showPrice();
}

// Sending

function setRunning(controller) {
  running = controller;
  const isFocused = document.activeElement?.closest(".form-actions, .playground-last, .playground-calls");
  part("send").hidden = controller !== null;
  part("stop").hidden = controller === null;
  part("log").setAttribute("aria-busy", String(controller !== null));
  if (isFocused) (controller ? part("stop") : (turns.at(-1)?.waitingField ?? part("message"))).focus();
}

async function send() {
  const text = part("message").value.trim();
  if (running || !isReady()) return;
  if (!text) {
    part("message").focus();
    return;
  }
  part("message").value = "";
  const turn = new Turn({
    log: part("log"),
    text,
    words,
    retry: () => !running && isReady() && run(turn),
    edit: () => !running && edit(turn),
  });
  turns.push(turn);
  await run(turn);
}

/** Ask all models what a turn, the last one, asks. One without an answer is left out of what follows. */
async function run(turn) {
  const requests = requestsOf(turn.text, turns.slice(0, -1));
  const columns = turn.begin(
    models().map(({ name }) => name),
    { setup, pages: form.dataset, render: rendered, priceLine, sendResults: (column) => sendResults(turn, column) },
  );
  await ask(turn, columns, requests);
}

/** Go on with the results of the tools that a model called; what the others say stays as it is. */
async function sendResults(turn, column) {
  if (!running) await ask(turn, [column], [column.continuation]);
}

/** Send a request for each of some columns of a turn. */
async function ask(turn, columns, requests) {
  lastRequest = requests[0];
  price.clear();
  setRunning(new AbortController());
  const { signal } = running;
  const answers = columns.map((column, index) => column.begin(requests[index]));
  showCode();
  await Promise.all(answers.map((answer) => complete(answer, signal)));
  if (!turns.includes(turn)) return; // a new conversation was begun meanwhile
  for (const column of columns) column.settle();
  setRunning(null);
  if (!turn.isAnswered && !part("message").value) part("message").value = turn.text;
  showDraft();
}

/** Take the last message back, to write it anew. */
function edit(turn) {
  turns = turns.filter((other) => other !== turn);
  turn.part.remove();
  part("message").value = turn.text;
  part("message").focus();
  showDraft();
}

/** Return the HTML of an answer; an empty text where it is to stay as it is. */
async function rendered(text) {
  try {
    const response = await fetch(form.dataset.markdownPage, {
      method: "POST",
      headers: { "X-CSRFToken": csrfToken() },
      body: new URLSearchParams({ text }),
    });
    return response.ok && !response.redirected ? await response.text() : "";
  } catch {
    return "";
  }
}

/** Logging in again in another tab changes the cookie, not this page. */
function csrfToken() {
  const cookie = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/);
  return cookie ? cookie[1] : form.elements.csrfmiddlewaretoken.value;
}

function post(address, body, signal) {
  return fetch(address, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
    },
    body: JSON.stringify(body),
    signal,
  });
}

async function complete(answer, signal) {
  try {
    await stream(answer, signal);
  } catch (error) {
    if (error.name === "AbortError") answer.stop();
    else answer.fail({ code: "offline" });
  }
}

async function stream(answer, signal) {
  const response = await post(form.action, answer.request, signal);
  answer.begin(response.headers);
  if (!response.ok) {
    answer.fail(await errorOf(response));
    return;
  }
  for await (const data of eventsOf(response)) {
    if (data === "[DONE]") {
      answer.end();
      return;
    }
    const event = JSON.parse(data);
    if (event.error) {
      answer.fail(event.error);
      return;
    }
    answer.take(event);
  }
  answer.fail({ code: "broken" });
}

async function errorOf(response) {
  const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  if (!isJson) return { code: response.status === 403 ? "page_is_old" : "unknown" };
  const { error } = await response.json();
  return { ...error, seconds: response.headers.get("Retry-After") };
}

// What people do

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    send();
  }
});
form.addEventListener("input", showDraft);
part("model").addEventListener("change", () => {
  showModel();
  showDraft();
});
part("stop").addEventListener("click", () => running?.abort());
for (const select of others) select.addEventListener("change", showDraft);
part("reset").addEventListener("click", () => {
  running?.abort();
  turns = [];
  setRunning(null);
  lastRequest = null;
  part("log").replaceChildren();
  part("message").focus();
  showDraft();
});
part("code").addEventListener("toggle", showCode);
form.querySelector(".tabs").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-code]");
  if (!chosen) return;
  event.preventDefault();
  for (const tab of form.querySelectorAll("[data-code]")) tab.removeAttribute("aria-current");
  chosen.setAttribute("aria-current", "true");
  showCode();
});

showModel();
form.hidden = false;
