// The tools that a person offers to a model, and how freely it may call them.

import { JsonField } from "./json-field.js";
import { fill } from "./playground-words.js";

export class OfferedTools {
  /** `card` holds all of it; `fillIn` is the button that writes the `example`. */
  constructor({ card, area, error, choice, fillIn, words, example }) {
    this.card = card;
    this.choice = choice;
    this.fillIn = fillIn;
    this.list = new JsonField({ area, error, words, judge: (tools) => faultOfTools(tools, words) });
    area.addEventListener("input", () => this.show());
    fillIn.addEventListener("click", () => {
      this.list.write(example);
      area.setSelectionRange(0, 0);
      area.focus();
      area.dispatchEvent(new Event("input", { bubbles: true })); // the price and the code are other now
    });
  }

  /** Show them for a model that honours tools, and hide them, unsent, for one that does not. */
  offer(isHonoured) {
    this.card.hidden = this.list.area.disabled = !isHonoured;
  }

  /** The example takes the place of nothing that anybody has written. */
  show() {
    this.fillIn.hidden = !this.list.isEmpty;
  }

  /** What a chat's body says of them. */
  get fields() {
    const tools = this.list.area.disabled ? null : this.list.value;
    return tools?.length ? { tools: tools.map(inOpenAIForm), tool_choice: this.choice.value } : {};
  }
}

/** Return a tool in the form of chat completions: `tool` may also be the description of its function alone. */
function inOpenAIForm(tool) {
  if (tool.function) return tool;
  const { type, ...description } = tool;
  return { type: "function", function: description };
}

function faultOfTools(tools, words) {
  if (!Array.isArray(tools)) return words.toolsList;
  const number = 1 + tools.findIndex((tool) => typeof (tool?.function ?? tool)?.name !== "string");
  return number ? fill(words.toolName, { number }) : "";
}
