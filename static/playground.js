// The playground: a conversation with a model, streamed. What models say is shown as text, never as HTML.

import { eventsOf } from "./event-stream.js";
import { Turn } from "./playground-turn.js";
import { WRITERS } from "./playground-code.js";

const setup = JSON.parse(document.getElementById("playground-setup").textContent);
const words = setup.words;
const form = document.getElementById("playground");
const part = (name) => document.getElementById(`playground-${name}`);
const fields = [...form.querySelectorAll("[data-parameter]")];

let conversation = []; // what was said and answered: [{role, content}]
let lastRequest = null;
let running = null; // the AbortController of the request that runs

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const model = () => setup.models.find((option) => option.id === part("model").value);

// Settings

function showModel() {
  const { description, is_free, has_json_mode, parameters } = model();
  part("about").textContent = description;
  part("credits").hidden = is_free || setup.hasCredits;
  part("json-mode").hidden = !has_json_mode;
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

function requestOf(messages) {
  const request = { model: model().id, messages };
  const system = part("system").value.trim();
  if (system) request.messages = [{ role: "system", content: system }, ...messages];
  for (const field of fields) {
    const { value } = field.querySelector("input");
    if (!field.hidden && value !== "") request[field.dataset.parameter] = Number(value);
  }
  if (part("json").checked && !part("json-mode").hidden) request.response_format = { type: "json_object" };
  return { ...request, stream: true, stream_options: { include_usage: true } };
}

function draft() {
  const text = part("message").value.trim();
  if (!text && lastRequest) return lastRequest;
  return requestOf([...conversation, { role: "user", content: text }]);
}

function showCode() {
  if (!part("code").open) return;
  const chosen = form.querySelector("[data-code][aria-current]").dataset.code;
  part("code-text").textContent = WRITERS[chosen](draft(), setup.baseUrl);
}

// Sending

function setRunning(controller) {
  running = controller;
  const isFocused = document.activeElement === part("send") || document.activeElement === part("stop");
  part("send").hidden = controller !== null;
  part("stop").hidden = controller === null;
  part("log").setAttribute("aria-busy", String(controller !== null));
  if (isFocused) (controller ? part("stop") : part("message")).focus();
}

async function send() {
  const text = part("message").value.trim();
  if (running) return;
  if (!form.checkValidity()) {
    part("parameters").open = true; // what is folded cannot say what is wrong with it
    form.reportValidity();
    return;
  }
  if (!text) {
    part("message").focus();
    return;
  }
  const said = { role: "user", content: text };
  const request = requestOf([...conversation, said]);
  lastRequest = request;
  part("message").value = "";
  const turn = new Turn({ log: part("log"), text, model: model().name, setup, pages: form.dataset });
  setRunning(new AbortController());
  showCode();
  try {
    await complete(request, turn, running.signal);
  } catch (error) {
    if (error.name === "AbortError") turn.stop();
    else turn.fail({ code: "offline" });
  } finally {
    setRunning(null);
  }
  if (!turn.isOnPage) return; // a new conversation was begun meanwhile
  if (turn.answer) conversation.push(said, { role: "assistant", content: turn.answer });
  else if (!part("message").value) part("message").value = text;
  showCode();
}

/** Logging in again in another tab changes the cookie, not this page. */
function csrfToken() {
  const cookie = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/);
  return cookie ? cookie[1] : form.elements.csrfmiddlewaretoken.value;
}

async function complete(request, turn, signal) {
  const response = await fetch(form.action, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
    },
    body: JSON.stringify(request),
    signal,
  });
  turn.begin(response.headers);
  if (!response.ok) {
    turn.fail(await errorOf(response));
    return;
  }
  for await (const data of eventsOf(response)) {
    if (data === "[DONE]") {
      turn.end();
      return;
    }
    const event = JSON.parse(data);
    if (event.error) {
      turn.fail(event.error);
      return;
    }
    turn.take(event);
  }
  turn.fail({ code: "broken" });
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
form.addEventListener("input", showCode);
part("model").addEventListener("change", () => {
  showModel();
  showCode();
});
// The button moves as the answer grows: what was pressed there may not be there when it is let go.
for (const kind of ["pointerdown", "click"]) part("stop").addEventListener(kind, () => running?.abort());
part("reset").addEventListener("click", () => {
  running?.abort();
  conversation = [];
  lastRequest = null;
  part("log").replaceChildren();
  part("message").focus();
  showCode();
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
