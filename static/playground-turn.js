// One turn of a conversation on the page: the question, the answers as they grow, what they took, what went wrong.

import { article, button, element, jsonBlock, link, textBlock } from "./playground-elements.js";
import { asksForJson } from "./playground-format.js";
import { faultOf } from "./json-text.js";
import { errorText } from "./playground-words.js";

const HELP = { insufficient_credits: ["billingPage", "topUp"], invalid_api_key: ["loginPage", "logIn"] };
const NEAR_PX = 80; // so near the end of the page a reader follows the answer

const language = document.documentElement.lang;
const money = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 9 });
const whole = new Intl.NumberFormat(language);
const seconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A question and the answers of one model or of several, side by side. */
export class Turn {
  /** `retry` and `edit` are called when their buttons are pressed; the style sheet shows them on the last turn. */
  constructor({ log, text, words, retry, edit }) {
    this.text = text;
    this.answers = [];
    this.part = element("section", "playground-turn");
    const question = article(words.you);
    const said = textBlock();
    said.textContent = text;
    const actions = element("p", "row playground-last");
    actions.append(button(words.retry, retry), button(words.edit, edit));
    question.append(said, actions);
    this.place = element("div", "playground-answers");
    this.part.append(question, this.place);
    log.append(this.part);
  }

  /** Begin the answers anew: one of each of the models, by name, to its request. `page` is what an Answer takes. */
  begin(names, requests, page) {
    this.place.replaceChildren();
    this.answers = names.map((name, index) => new Answer({ column: this.place, name, request: requests[index], page }));
    this.part.scrollIntoView({ block: "nearest" });
    return this.answers;
  }

  /** What a model is told it has said; one that was not asked, what the first has said. */
  saidBy(number) {
    return this.answers[number]?.answer || (this.answers[0]?.answer ?? "");
  }

  get isAnswered() {
    return this.answers.some(({ answer }) => answer);
  }
}

export class Answer {
  /** `request` is the body that is answered. `page` has the texts and the providers by name (`setup`), the addresses
   *  that an answer links to (`pages`), and `render`, which returns the HTML of Markdown or an empty text. */
  constructor({ column, name, request, page }) {
    this.words = page.setup.words;
    this.page = page;
    this.request = request;
    this.answer = "";
    this.isDue = false;
    this.id = "";
    this.beganMs = performance.now();
    this.usage = null;
    this.finishReason = null;
    this.card = article(name);
    this.status = element("p", "muted", this.words.waiting);
    this.text = textBlock();
    this.text.hidden = true;
    this.grown = this.text.appendChild(document.createTextNode(""));
    this.card.append(this.status, this.text);
    column.append(this.card);
  }

  /** The status and the headers are there; the answer is to come. */
  begin(headers) {
    this.id = headers.get("X-Generation-Id") ?? "";
    this.requestId = headers.get("X-Request-ID") ?? "";
    this.adapted = headers.get("X-XRouter-Adapted") ?? "";
  }

  /** Take a `chat.completion.chunk`. */
  take(chunk) {
    this.provider = chunk.provider ?? this.provider;
    this.usage = chunk.usage ?? this.usage;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    this.finishReason = choice.finish_reason ?? this.finishReason;
    if (choice.delta?.reasoning) this.reason(choice.delta.reasoning);
    if (choice.delta?.content) this.grow(choice.delta.content);
  }

  /** Write once a frame, however small the pieces are that come. */
  grow(text) {
    this.answer += text;
    if (!this.isDue) requestAnimationFrame(() => this.flush());
    this.isDue = true;
  }

  flush() {
    this.isDue = false;
    const isAtEnd = innerHeight + scrollY >= document.body.scrollHeight - NEAR_PX;
    this.status.hidden = true;
    this.grown.appendData(this.answer.slice(this.grown.length));
    this.text.hidden = !this.answer;
    if (isAtEnd) this.card.scrollIntoView({ block: "end" });
  }

  reason(text) {
    if (!this.reasoning) {
      const details = element("details");
      this.reasoning = textBlock("muted");
      details.append(element("summary", "", this.words.reasoning), this.reasoning);
      this.text.before(details);
    }
    this.reasoning.append(text);
  }

  /** The answer is whole. */
  end() {
    this.flush();
    const notes = { length: this.words.length, content_filter: this.words.filtered };
    const note = notes[this.finishReason] ?? (this.answer ? "" : this.words.empty);
    if (note) this.card.append(element("p", "notice notice-warning", note));
    this.showFacts();
    this.showWhole();
  }

  /** Put in place of the plain text what it is: JSON, set out, or what the server makes of Markdown. */
  async showWhole() {
    if (asksForJson(this.request)) {
      if (!faultOf(this.answer)) this.text.replaceWith(jsonBlock(this.answer));
      return;
    }
    const html = this.answer && (await this.page.render(this.answer));
    if (!html) return;
    const block = element("div", "prose");
    block.innerHTML = html;
    this.text.replaceWith(block);
  }

  /** The person has stopped it. */
  stop() {
    this.flush();
    this.card.append(element("p", "notice", this.answer ? this.words.stopped : this.words.stoppedEarly));
    this.showFacts();
  }

  /** It failed: `code` is the API's, or a word of our own; `param` is the field, `message` what the server said. */
  fail(error) {
    const { code, param, message } = error;
    this.flush();
    const notice = element("div", "notice notice-error");
    notice.setAttribute("role", "alert");
    const line = element("p", "", `${errorText(this.words, error)} `);
    line.append(element("code", "small", code));
    notice.append(line);
    if (param) {
      const field = element("p", "small", `${this.words.field} `);
      field.append(element("code", "", param));
      notice.append(field);
    }
    if (code in HELP) {
      const [page, words] = HELP[code];
      notice.append(link(this.page.pages[page], this.words[words]));
    }
    if (message) {
      const details = element("details");
      details.append(element("summary", "", this.words.details), element("p", "small", message));
      if (this.requestId) details.append(element("p", "small mono", this.requestId));
      notice.append(details);
    }
    this.card.append(notice);
    if (this.id) this.showFacts();
  }

  /** What it took: tokens, roubles, time, who served it, and where to read all of it. */
  showFacts() {
    const facts = element("p", "row small muted");
    const tell = (text) => facts.append(element("span", "", text));
    if (this.usage) {
      const { prompt_tokens: prompt, completion_tokens: completion, cost } = this.usage;
      tell(`${this.words.tokens} ${whole.format(prompt)} + ${whole.format(completion)}`);
      tell(`${money.format(cost)}\u00a0₽`);
    }
    tell(this.words.latency.replace("{seconds}", seconds.format((performance.now() - this.beganMs) / 1000)));
    const { providers } = this.page.setup;
    if (this.provider) tell(providers[this.provider] ?? this.provider);
    if (this.adapted) tell(this.words.adapted.replace("{names}", this.adapted));
    if (this.id) facts.append(link(this.page.pages.requestPage.replace("gen-ID", this.id), this.words.request));
    if (this.answer) {
      const { copy, copied } = this.words;
      facts.append(
        button(copy, async (pressed) => {
          await navigator.clipboard.writeText(this.answer);
          pressed.textContent = copied;
        }),
      );
    }
    this.card.append(facts);
  }
}
