// The form of the answer: text, JSON, or JSON by a schema that a person writes.

import { JsonField } from "./json-field.js";

const SCHEMA_NAME = "answer";

/** Say whether a chat's body asks for JSON. */
export function asksForJson({ response_format: format }) {
  return format !== undefined;
}

export class AnswerFormat {
  /** `choice` is the list of forms, `place` holds the field of the schema; `example` is a schema to begin with. */
  constructor({ choice, hint, place, area, error, words, example }) {
    this.choice = choice;
    this.hint = hint;
    this.place = place;
    this.example = example;
    this.wanted = choice.value;
    const judge = (schema) => (isObject(schema) ? "" : words.schemaObject);
    this.schema = new JsonField({ area, error, words, judge, missing: words.schemaMissing });
    choice.addEventListener("input", () => this.choose(choice.value));
  }

  /** Offer the forms that a model honours; what was chosen before comes back with a model that honours it. */
  offer(formats) {
    for (const option of this.choice.options) option.hidden = option.disabled = !formats.includes(option.value);
    this.choice.closest(".field").hidden = formats.length < 2;
    this.choice.value = formats.includes(this.wanted) ? this.wanted : "text";
    this.show();
  }

  choose(format) {
    this.wanted = format;
    this.show();
    if (!this.schema.area.disabled && this.schema.isEmpty) this.schema.write(this.example);
  }

  show() {
    const hasSchema = this.choice.value === "json_schema";
    this.hint.hidden = this.choice.value !== "json_object";
    this.place.hidden = this.schema.area.disabled = !hasSchema;
  }

  /** What a chat's body says of it. */
  get fields() {
    switch (this.choice.value) {
      case "json_object":
        return { response_format: { type: "json_object" } };
      case "json_schema":
        return {
          response_format: {
            type: "json_schema",
            json_schema: { name: SCHEMA_NAME, strict: true, schema: this.schema.value },
          },
        };
      default:
        return {};
    }
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
