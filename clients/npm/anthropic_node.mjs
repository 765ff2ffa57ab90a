// Anthropic's official Node client over `/v1/messages`: plain calls, its stream helper, and `parse`.

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import * as trial from "./trial.mjs";

const baseURL = trial.baseURL.replace(/\/v1$/, "");
const client = new Anthropic({ baseURL, apiKey: trial.apiKey, maxRetries: 0 });
const said = (content) => [{ role: "user", content }];
const tools = [
  { name: "get_weather", description: "Погода в городе", input_schema: z.toJSONSchema(trial.City) },
];

const text = ({ content }) => content.map((block) => block.text ?? "").join("");

/** Do what the calls of an answer ask; return the dialogue with their results. */
function answered(messages, { content }) {
  const results = content
    .filter(({ type }) => type === "tool_use")
    .map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: trial.getWeather(input) }));
  return [...messages, { role: "assistant", content }, { role: "user", content: results }];
}

async function pieces(request) {
  const found = [];
  await client.messages.stream(request).on("text", (delta) => found.push(delta)).finalMessage();
  return found;
}

await trial.run(["@anthropic-ai/sdk"], {
  async chat(model) {
    const messages = said(trial.QUESTION);
    return text(await client.messages.create({ model, max_tokens: 1024, messages }));
  },

  async stream(model) {
    return pieces({ model, max_tokens: 1024, messages: said(trial.QUESTION) });
  },

  async tools(model) {
    const request = { model, max_tokens: 1024, tools, messages: said(trial.WEATHER_QUESTION) };
    const messages = answered(request.messages, await client.messages.create(request));
    return text(await client.messages.create({ ...request, messages }));
  },

  async streamed_tools(model) {
    const request = { model, max_tokens: 1024, tools, messages: said(trial.WEATHER_QUESTION) };
    const first = await client.messages.stream(request).finalMessage();
    return pieces({ ...request, messages: answered(request.messages, first) });
  },

  async structured(model) {
    const answer = await client.messages.parse({
      model,
      max_tokens: 1024,
      messages: said(trial.PERSON_REQUEST),
      output_config: { format: zodOutputFormat(trial.Person) },
    });
    return [answer.parsed_output];
  },
});
