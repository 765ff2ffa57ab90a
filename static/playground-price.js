// What the next message will cost, asked for once a person has stopped typing.

import { meaningOf } from "./playground-words.js";

const language = document.documentElement.lang;
const kopecks = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const PAUSE_MS = 1000; // so that nobody types through the limit of 60 plans a minute
const NOTHING = "\u00a0"; // keeps the line's height: what stands below must not jump

export class PriceLine {
  /** `ask` takes a chat's body and a signal, and returns the answer to its plan. */
  constructor({ line, words, ask }) {
    this.line = line;
    this.words = words;
    this.ask = ask;
    this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.line.textContent = NOTHING;
  }

  /** Show the price of chats' bodies after a pause, in place of the one before. */
  show(bodies) {
    this.clear();
    this.timer = setTimeout(() => this.fetch(bodies), PAUSE_MS * bodies.length);
  }

  async fetch(bodies) {
    if (!this.line.isConnected) return; // what was about to be sent is off the page
    const asked = (this.asked = new AbortController());
    try {
      const responses = await Promise.all(bodies.map((body) => this.ask(body, asked.signal)));
      if (!responses.every(({ ok }) => ok)) return; // the message itself will say what is wrong
      const plans = await Promise.all(responses.map((response) => response.json()));
      if (!asked.signal.aborted) this.line.textContent = this.textOf(plans.map(({ data }) => data)) || NOTHING;
    } catch (error) {
      if (error.name !== "AbortError") this.line.textContent = NOTHING;
    }
  }

  textOf(plans) {
    const meanings = plans.flatMap(({ refusal }) => (refusal ? [meaningOf(this.words, refusal) ?? ""] : []));
    const refused = new Set(meanings.filter((text) => !text.includes("{")));
    const isKnown = plans.every(({ candidates }) => candidates.length);
    return [isKnown ? this.priceOf(plans) : "", ...refused].filter(Boolean).join(" ");
  }

  /** Whoever answers in the end, it costs between these. */
  priceOf(plans) {
    const sum = (bound) => plans.map(({ candidates }) => bound(candidates)).reduce((a, b) => a + b);
    const least = sum((candidates) => Math.min(...candidates.map(({ cost }) => cost.least)));
    const most = sum((candidates) => Math.max(...candidates.map(({ cost }) => cost.most)));
    if (most === 0) return this.words.priceFree;
    const text = plans.length > 1 ? this.words.pricesOf.replace("{count}", plans.length) : this.words.price;
    return text.replace("{least}", kopecks.format(least)).replace("{most}", kopecks.format(most));
  }
}
