// One turn of a conversation on the page: the question, the answers as they grow, what they took, what went wrong.

import { article, button, element, jsonBlock, link, textBlock } from "./playground-elements.js";
import { asksForJson } from "./playground-format.js";
import { faultOf } from "./json-text.js";
import { ToolCalls } from "./playground-calls.js";
import { errorText } from "./playground-words.js";

const HELP = { insufficient_credits: ["billingPage", "topUp"], invalid_api_key: ["loginPage", "logIn"] };
const NEAR_PX = 80; // so near the end of the page a reader follows the answer

const language = document.documentElement.lang;
const money = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 9 });
const whole = new Intl.NumberFormat(language);
const seconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A question and what one model or several, side by side, say to it. */
export class Turn {
  /** `retry` and `edit` are called when their buttons are pressed; the style sheet shows them on the last turn. */
  constructor({ log, text, words, retry, edit }) {
    this.text = text;
    this.columns = [];
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

  /** Begin the turn anew: a column for each of the models' names. `page` is what an Answer takes; its `sendResults`
   *  is called with a column once the results of its calls are there. */
  begin(names, page) {
    this.place.replaceChildren();
    this.columns = names.map((name) => new Column({ place: this.place, name, page }));
    return this.columns;
  }

  /** The messages that a model has said, with the results of its calls; of one that was not asked, those of the first. */
  saidBy(number) {
    const said = this.columns[number]?.messages ?? [];
    return said.length ? said : (this.columns[0]?.messages ?? []);
  }

  get isAnswered() {
    return this.columns.some(({ messages }) => messages.length);
  }

  /** The field of a result that is waited for. */
  get waitingField() {
    return this.place.querySelector(".playground-calls:not(.is-sent) textarea");
  }
}

/** What one model says in a turn: an answer, and after each that calls tools another one. */
class Column {
  constructor({ place, name, page }) {
    this.name = name;
    this.page = page;
    this.answers = [];
    this.part = element("div", "stack");
    place.append(this.part);
  }

  /** Begin the next answer, in place of one that came to nothing. */
  begin(request) {
    for (const { card } of this.answers.filter(({ isSaid }) => !isSaid)) card.remove();
    this.answers = this.answers.filter(({ isSaid }) => isSaid);
    this.answers.at(-1)?.calls.setSent(true);
    const { name, page } = this;
    const answer = new Answer({ column: this.part, name, request, page, sendResults: () => page.sendResults(this) });
    this.answers.push(answer);
    answer.card.scrollIntoView({ block: "nearest" });
    return answer;
  }

  /** Let results be sent again where nothing came of sending them. */
  settle() {
    const [before, last] = this.answers.slice(-2);
    if (last && !last.isSaid) before.calls.setSent(false);
  }

  /** The request that sends the results of the last calls. */
  get continuation() {
    return this.answers.findLast(({ isSaid }) => isSaid).continuation;
  }

  get messages() {
    return this.answers.flatMap(({ messages }) => messages);
  }
}

export class Answer {
  /** `request` is the body that is answered. `page` has the texts and the providers by name (`setup`), the addresses
   *  that an answer links to (`pages`), `render`, which returns the HTML of Markdown or an empty text, and `priceLine`,
   *  which makes a PriceLine of a paragraph. */
  constructor({ column, name, request, page, sendResults }) {
    this.words = page.setup.words;
    this.page = page;
    this.request = request;
    this.sendResults = sendResults;
    this.answer = "";
    this.calls = new ToolCalls(this.words);
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

  /** Whether the model has said anything that the conversation can go on from. */
  get isSaid() {
    return this.answer !== "" || this.calls.isWhole;
  }

  /** The message of the assistant. */
  get message() {
    const said = { role: "assistant", content: this.answer };
    return this.calls.isWhole ? { ...said, content: this.answer || null, tool_calls: this.calls.told } : said;
  }

  /** What the conversation has of it: the message, and the results that were sent. */
  get messages() {
    if (!this.isSaid) return [];
    return [this.message, ...(this.calls.isSent ? this.calls.results : [])];
  }

  /** The request that goes on with the results: a model that must call a tool would otherwise do so without end. */
  get continuation() {
    const request = { ...this.request, messages: [...this.request.messages, this.message, ...this.calls.results] };
    if (request.tool_choice === "required") request.tool_choice = "auto";
    return request;
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
    if (choice.delta?.refusal) this.grow(choice.delta.refusal);
    if (choice.delta?.tool_calls) this.call(choice.delta.tool_calls);
  }

  /** Write once a frame, however small the pieces are that come. */
  grow(text) {
    this.answer += text;
    if (!this.isDue) requestAnimationFrame(() => this.flush());
    this.isDue = true;
  }

  flush() {
    this.isDue = false;
    this.follow(() => {
      this.status.hidden = true;
      this.grown.appendData(this.answer.slice(this.grown.length));
      this.text.hidden = !this.answer;
    });
  }

  /** Change the card, and keep its end in sight of who was there. */
  follow(change) {
    const isAtEnd = innerHeight + scrollY >= document.body.scrollHeight - NEAR_PX;
    change();
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

  call(pieces) {
    this.status.hidden = true;
    if (!this.calls.part.isConnected) this.text.after(this.calls.part);
    this.follow(() => this.calls.take(pieces));
  }

  get hasCalls() {
    return this.calls.part.isConnected;
  }

  /** The answer is whole. */
  end() {
    this.flush();
    const notes = { length: this.words.length, content_filter: this.words.filtered };
    const note = notes[this.finishReason] ?? (this.answer || this.hasCalls ? "" : this.words.empty);
    this.follow(() => {
      if (this.hasCalls) this.askForResults();
      if (note) this.card.append(element("p", "notice notice-warning", note));
      this.showFacts();
    });
    this.showWhole();
  }

  askForResults() {
    this.calls.end({
      send: this.sendResults,
      price: (place) => {
        const line = this.page.priceLine(place);
        return (isKnown) => (isKnown ? line.show([this.continuation]) : line.clear());
      },
    });
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
    const isBegun = this.answer || this.hasCalls;
    this.card.append(element("p", "notice", isBegun ? this.words.stopped : this.words.stoppedEarly));
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
