// The calls of tools in an answer, and what a person writes as their results.

import { button, element, jsonBlock } from "./playground-elements.js";
import { setOut } from "./json-text.js";
import { fill } from "./playground-words.js";

let fieldsMade = 0; // a number for each field of the page: labels name their fields by it

/** One call, drawn as it grows. */
class ToolCall {
  constructor({ place, words }) {
    this.words = words;
    this.id = "";
    this.name = "";
    this.arguments = "";
    this.title = element("h3");
    this.shown = jsonBlock();
    this.part = element("div", "stack playground-call");
    this.part.append(this.title, this.shown);
    place.append(this.part);
  }

  /** Take a piece of it as chunks bring them. */
  take({ id = "", function: { name = "", arguments: text = "" } = {} }) {
    this.id ||= id;
    this.name += name;
    this.arguments += text;
    this.title.textContent = fill(this.words.call, { name: this.name });
    this.shown.textContent = this.arguments;
  }

  /** The call is whole: ask for its result. */
  end() {
    const id = `playground-result-${++fieldsMade}`;
    const label = element("label", "", fill(this.words.result, { name: this.name }));
    this.shown.textContent = setOut(this.arguments);
    this.shown.id = `${id}-arguments`;
    this.error = element("p", "field-error");
    this.error.id = `${id}-error`;
    this.error.setAttribute("role", "status");
    this.field = element("textarea", "playground-result");
    this.field.id = label.htmlFor = id;
    this.field.rows = 3;
    this.field.spellcheck = false;
    this.field.setAttribute("aria-describedby", `${this.shown.id} ${this.error.id}`);
    this.field.addEventListener("input", () => this.error.textContent && this.tell());
    const part = element("div", "field");
    part.append(label, this.field, this.error);
    this.part.append(part);
  }

  get hasResult() {
    return this.field.value.trim() !== "";
  }

  tell() {
    this.error.textContent = this.hasResult ? "" : this.words.resultMissing;
    this.field.setAttribute("aria-invalid", String(!this.hasResult));
  }

  /** As a message of the assistant bears it. */
  get told() {
    return { id: this.id, type: "function", function: { name: this.name, arguments: this.arguments } };
  }

  /** The message of the tool. */
  get answered() {
    return { role: "tool", tool_call_id: this.id, content: this.field.value };
  }
}

/** All calls of one answer: grown by pieces, then whole, then sent on with their results. */
export class ToolCalls {
  constructor(words) {
    this.words = words;
    this.calls = [];
    this.isWhole = false;
    this.isSent = false;
    this.part = element("div", "stack playground-calls");
  }

  take(pieces) {
    for (const piece of pieces) {
      this.calls[piece.index] ??= new ToolCall({ place: this.part, words: this.words });
      this.calls[piece.index].take(piece);
    }
  }

  /** Ask for the results. `send` is called once they are all there. `price` takes the line of their price and returns
   *  what shows it, or clears it. */
  end({ send, price }) {
    this.isWhole = true;
    for (const call of this.calls) call.end();
    const hint = element("p", "field-hint", this.words.resultHint);
    const line = element("p", "field-hint");
    line.setAttribute("role", "status");
    this.showPrice = price(line);
    const press = () => this.isComplete() && send();
    this.actions = element("div", "stack playground-last");
    this.actions.append(hint, line, element("p", "row"));
    this.actions.lastChild.append(button(this.words.sendResults, press, "button button-primary"));
    this.part.append(this.actions);
    this.part.addEventListener("input", () => this.showPrice(this.calls.every(({ hasResult }) => hasResult)));
    this.part.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation(); // elsewhere these keys send the message
      if (!this.isSent) press();
    });
  }

  /** Say whether every result is there, and lead to the first that is not. */
  isComplete() {
    for (const call of this.calls) call.tell();
    const missing = this.calls.find(({ hasResult }) => !hasResult);
    missing?.field.focus();
    return !missing;
  }

  /** Whether the results are on their way: those that nobody has answered can be changed and sent again. */
  setSent(isSent) {
    this.isSent = isSent;
    this.part.classList.toggle("is-sent", isSent);
    this.actions.hidden = isSent;
    this.showPrice(!isSent);
    for (const { field } of this.calls) field.readOnly = isSent;
  }

  get told() {
    return this.calls.map((call) => call.told);
  }

  get results() {
    return this.calls.map((call) => call.answered);
  }
}
