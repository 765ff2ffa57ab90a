// OpenRouter's own client for Node: every method it has for a path of ours.

import { OpenRouter } from "@openrouter/sdk";
import { z } from "zod";
import * as trial from "./trial.mjs";

const client = new OpenRouter({ serverURL: trial.baseURL, apiKey: trial.apiKey });
const said = (content) => [{ role: "user", content }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Погода в городе",
      parameters: z.toJSONSchema(trial.City),
    },
  },
];
const send = (chatRequest) => client.chat.send({ chatRequest });

/** Do what the calls ask; return the question, the calls and their results. */
function answered(calls) {
  const results = calls.map((call) => ({
    role: "tool",
    toolCallId: call.id,
    content: trial.getWeather(JSON.parse(call.function.arguments)),
  }));
  const asked = { role: "assistant", toolCalls: calls };
  return [...said(trial.WEATHER_QUESTION), asked, ...results];
}

async function collected(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  if (!chunks.at(-1).usage) throw new Error("The last chunk has no usage.");
  return chunks.slice(0, -1).map((chunk) => chunk.choices[0].delta);
}

/** Say whether the Responses API answers, whole and in events. */
async function responds(model) {
  const request = { model, input: trial.QUESTION };
  const whole = await client.beta.responses.send({ responsesRequest: request });
  const events = await client.beta.responses.send({
    responsesRequest: { ...request, stream: true },
  });
  let last;
  for await (const event of events) last = event;
  const texts = [whole, last.response].map((answer) => answer.output[0].content[0].text);
  return texts[0].includes("Москва") && texts[0] === texts[1];
}

await trial.run(["@openrouter/sdk"], {
  async chat(model) {
    const answer = await send({ model, messages: said(trial.QUESTION) });
    return answer.choices[0].message.content;
  },

  async stream(model) {
    const stream = await send({ model, messages: said(trial.QUESTION), stream: true });
    return (await collected(stream)).map((delta) => delta.content ?? "");
  },

  async tools(model) {
    const first = await send({ model, messages: said(trial.WEATHER_QUESTION), tools });
    const messages = answered(first.choices[0].message.toolCalls);
    const second = await send({ model, messages, tools });
    return second.choices[0].message.content;
  },

  async streamed_tools(model) {
    const messages = said(trial.WEATHER_QUESTION);
    const calls = [];
    for (const delta of await collected(await send({ model, messages, tools, stream: true }))) {
      for (const piece of delta.toolCalls ?? []) {
        calls[piece.index] ??= { type: "function", function: { name: "", arguments: "" } };
        calls[piece.index].id ??= piece.id;
        calls[piece.index].function.name += piece.function.name ?? "";
        calls[piece.index].function.arguments += piece.function.arguments ?? "";
      }
    }
    const stream = await send({ model, messages: answered(calls), tools, stream: true });
    return (await collected(stream)).map((delta) => delta.content ?? "");
  },

  async structured(model) {
    const answer = await send({
      model,
      messages: said(trial.PERSON_REQUEST),
      responseFormat: {
        type: "json_schema",
        jsonSchema: { name: "person", schema: z.toJSONSchema(trial.Person), strict: true },
      },
    });
    return [JSON.parse(answer.choices[0].message.content)];
  },

  async embeddings(model) {
    const requestBody = { model, input: trial.TEXTS };
    const answer = await client.embeddings.generate({ requestBody });
    return answer.data.map((item) => item.embedding);
  },

  async account(model) {
    const made = await send({ model, messages: said(trial.QUESTION) });
    const listed = (await client.models.list()).result.data;
    const details = listed.find((card) => card.id === made.model).links.details;
    const [author, slug] = details.split("/").slice(-3, -1);
    let paged = 0;
    const pages = await client.models.listForUser({ bearer: trial.apiKey }, { limit: 5 });
    for await (const page of pages) paged += page.result.data.length;
    const refusal = await send({ model: "gpt-0", messages: said("?") }).catch((error) => error);
    return {
      "models.list": listed.length > 1,
      "models.count": (await client.models.count()).data.count === listed.length,
      "models.listForUser": paged === listed.length,
      "models.get": (await client.models.get({ author, slug })).data.id === made.model,
      "endpoints.list": (await client.endpoints.list({ author, slug })).data.endpoints.length > 0,
      "providers.list": (await client.providers.list()).data.length === 2,
      "embeddings.listModels": (await client.embeddings.listModels()).result.data.length > 0,
      "apiKeys.getCurrentKeyMetadata": Boolean(
        (await client.apiKeys.getCurrentKeyMetadata()).data.label,
      ),
      "generations.getGeneration":
        (await client.generations.getGeneration({ id: made.id })).data.id === made.id,
      "credits.getCredits": (await client.credits.getCredits()).data.totalCredits === 1000,
      "analytics.getUserActivity": (await client.analytics.getUserActivity()).data.length > 0,
      "beta.responses.send": await responds(model),
      refusal: refusal.name === "NotFoundResponseError" && refusal.error.code === 404,
    };
  },
});
