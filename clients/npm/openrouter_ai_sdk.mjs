// Vercel AI SDK over OpenRouter's provider.

import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import * as trial from "./trial.mjs";

const xrouter = createOpenRouter({ baseURL: trial.baseURL, apiKey: trial.apiKey });
const tools = {
  get_weather: tool({
    description: "Погода в городе",
    inputSchema: trial.City,
    execute: trial.getWeather,
  }),
};
const asking = (model, prompt) => ({ model: xrouter(model), prompt, maxRetries: 0 });
const withTools = (model) => ({
  ...asking(model, trial.WEATHER_QUESTION),
  tools,
  stopWhen: stepCountIs(3),
});
const typed = (model) => ({
  ...asking(model, trial.PERSON_REQUEST),
  output: Output.object({ schema: trial.Person }),
});

/** Collect the pieces of a streamed text; an error of the stream is thrown. */
async function piecesOf(options) {
  const failures = [];
  const result = streamText({ ...options, onError: ({ error }) => failures.push(error) });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  if (failures.length) throw failures[0];
  return { pieces, result };
}

await trial.run(["ai", "@openrouter/ai-sdk-provider"], {
  async chat(model) {
    return (await generateText(asking(model, trial.QUESTION))).text;
  },

  async stream(model) {
    return (await piecesOf(asking(model, trial.QUESTION))).pieces;
  },

  async tools(model) {
    return (await generateText(withTools(model))).text;
  },

  async streamed_tools(model) {
    return (await piecesOf(withTools(model))).pieces;
  },

  async structured(model) {
    const plain = await generateText(typed(model));
    const { result } = await piecesOf(typed(model));
    return [plain.output, await result.output];
  },

  async embeddings(model) {
    const values = trial.TEXTS;
    const answer = await embedMany({ model: xrouter.textEmbeddingModel(model), values, maxRetries: 0 });
    return answer.embeddings;
  },
});
