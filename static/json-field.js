// A text area for JSON: what is wrong with it is told at it, in the reader's words, with the line and the column.

import { faultOf, placeOf } from "./json-text.js";
import { fill } from "./playground-words.js";

const PAUSE_MS = 1000; // nobody is told of what they are still typing

export class JsonField {
  /** `error` is where the fault is told. `judge` returns what is wrong with a value, or an empty text; `missing` is
   *  what is wrong with none. */
  constructor({ area, error, words, judge, missing = "" }) {
    this.area = area;
    this.error = error;
    this.words = words;
    this.judge = judge;
    this.missing = missing;
    area.addEventListener("input", () => {
      clearTimeout(this.pause);
      if (error.textContent) this.tell();
      else this.pause = setTimeout(() => this.tell(), PAUSE_MS);
    });
  }

  get isEmpty() {
    return !this.area.value.trim();
  }

  /** What is written, which must be right; null where nothing is. */
  get value() {
    return this.isEmpty ? null : JSON.parse(this.area.value);
  }

  /** Put a value in place of what is written. */
  write(value) {
    this.area.value = JSON.stringify(value, null, 2);
    this.tell();
  }

  /** What is wrong, and at which character if at one; null where nothing is, or where the field is not in use. */
  get fault() {
    if (this.area.disabled) return null;
    if (this.isEmpty) return this.missing ? { text: this.missing } : null;
    const found = faultOf(this.area.value);
    if (found) {
      const place = placeOf(this.area.value, found.at);
      return { at: found.at, text: fill(this.words["json.at"], { ...place, fault: this.words[`json.${found.kind}`] }) };
    }
    const text = this.judge(this.value);
    return text ? { text } : null;
  }

  /** Tell at the field what is wrong with it, or that nothing is any more. */
  tell() {
    clearTimeout(this.pause);
    const { fault } = this;
    this.error.textContent = fault?.text ?? "";
    this.area.setAttribute("aria-invalid", String(fault !== null));
    return fault;
  }

  /** Lead to what is wrong, out of whatever the field is folded in. */
  show() {
    const { at } = this.tell();
    this.area.closest("details").open = true;
    if (at !== undefined) this.area.setSelectionRange(at, at + 1);
    this.area.focus();
  }
}
