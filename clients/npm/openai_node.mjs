// The official Node client: plain calls, its tool runner, its stream helpers, and `parse`.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import * as trial from "./trial.mjs";

const client = new OpenAI({ baseURL: trial.baseURL, apiKey: trial.apiKey, maxRetries: 0 });
const said = (content) => [{ role: "user", content }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Погода в городе",
      parameters: z.toJSONSchema(trial.City),
      parse: JSON.parse,
      function: trial.getWeather,
    },
  },
];
const typed = (model) => ({
  model,
  messages: said(trial.PERSON_REQUEST),
  response_format: zodResponseFormat(trial.Person, "person"),
});

await trial.run(["openai"], {
  async chat(model) {
    const messages = said(trial.QUESTION);
    const answer = await client.chat.completions.create({ model, messages });
    return answer.choices[0].message.content;
  },

  async stream(model) {
    const messages = said(trial.QUESTION);
    const chunks = await client.chat.completions.create({ model, messages, stream: true });
    const pieces = [];
    for await (const chunk of chunks) pieces.push(chunk.choices[0].delta.content ?? "");
    return pieces;
  },

  async tools(model) {
    const messages = said(trial.WEATHER_QUESTION);
    return client.chat.completions.runTools({ model, messages, tools }).finalContent();
  },

  async streamed_tools(model) {
    const messages = said(trial.WEATHER_QUESTION);
    const runner = client.chat.completions.runTools({ model, messages, tools, stream: true });
    const pieces = [];
    runner.on("content", (delta) => pieces.push(delta));
    await runner.done();
    return pieces;
  },

  async structured(model) {
    const plain = await client.chat.completions.parse(typed(model));
    const streamed = await client.chat.completions.stream(typed(model)).finalChatCompletion();
    return [plain, streamed].map((answer) => answer.choices[0].message.parsed);
  },

  async embeddings(model) {
    const answer = await client.embeddings.create({ model, input: trial.TEXTS });
    return answer.data.map((item) => item.embedding);
  },
});
