// What a user of the Node SDK does; see ask.py for the task and the outcomes.

import { readFileSync } from "node:fs";
import { details, login, XRouter } from "xrouter-node";

const task = JSON.parse(readFileSync(0, "utf8"));
const messages = [{ role: "user", content: "Какая столица России?" }];
const model = "gigachat-2-pro";
const schema = { type: "object", properties: { capital: { type: "string" } }, required: ["capital"] };
const response_format = { type: "json_schema", json_schema: { name: "capital", schema } };

function told(answer, cost) {
  const { adapted, attempts, generationId, requestId } = details(answer);
  return { adapted, attempts, id: generationId, has_request_id: Boolean(requestId), cost: String(cost) };
}

function ask(client, more = {}) {
  return client.chat.completions.create({ model, messages, max_tokens: 50, ...more });
}

async function said(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error.constructor.name;
  }
  return "none";
}

const balance = async () => {
  const { total_credits, total_usage } = await client.credits();
  return total_credits - total_usage;
};

const client = new XRouter();
const outcomes = {};
const before = await balance();
const answer = await ask(client, { logit_bias: { 7: 1 } });
outcomes.plain = {
  text: answer.choices[0].message.content,
  usage_cost: String(answer.usage.cost),
  ...told(answer, await client.cost(answer)),
};
const stream = await ask(client, { stream: true });
outcomes.streamed = { text: await said(stream), ...told(stream, await client.cost(stream)) };
outcomes.spent = (before - (await balance())).toFixed(9);
const parsed = await client.chat.completions.parse({ model, messages, response_format, max_tokens: 200 });
outcomes.parsed = told(parsed, await client.cost(parsed));
const plan = await client.plan({ model, messages, max_tokens: 50 });
outcomes.plan = {
  admitted: plan.admitted,
  model: plan.candidates[0].model,
  in_order: plan.candidates[0].cost.least <= plan.candidates[0].cost.most,
  refused: (await client.plan({ model: "no", messages })).refusal?.code,
};
const found = await client.generation(answer.id);
outcomes.generation = {
  model: found.model,
  attempts: found.attempts.map(({ outcome }) => outcome),
  cost: String(found.total_cost),
};
outcomes.days = (await client.activity()).reduce((sum, row) => sum + row.requests, 0);
const relayed = new XRouter({ baseURL: task.relay });
const again = await ask(relayed, { messages: [{ role: "user", content: "Какая столица Франции?" }] });
outcomes.repeated = told(again, await client.cost(again));
outcomes.refused = [await failure(() => ask(client, { model: "no" })), await failure(() => details({}))];
const token = await login({
  clientId: task.client_id,
  baseURL: client.baseURL,
  scopes: ["chat", "usage", "keys"],
  show: (address) => console.log("AUTHORIZE", address),
});
outcomes.login = token.scopes.toSorted();
const owner = client.withOptions({ apiKey: token.accessToken });
const created = await owner.keys.create({ name: "SDK", limit: 5 });
const mine = new XRouter({ apiKey: created.key });
const { hash } = created.data;
outcomes.keys = {
  limit: String(created.data.limit),
  renamed: (await owner.keys.change(hash, { name: "Renamed" })).name,
  read: (await owner.keys.get(hash)).name,
  listed: (await owner.keys.list()).some((key) => key.hash === hash),
  works: Boolean((await ask(mine)).id),
  bare_key: await failure(() => mine.keys.list()),
};
outcomes.model_map = {
  ...(await owner.modelMap.replace({ "gpt-*": "gigachat-2" })),
  ...(await owner.modelMap.get()),
};
const mapped = await ask(mine, { model: "gpt-5" });
outcomes.mapped = { model: mapped.model, adapted: details(mapped).adapted };
await owner.modelMap.replace({});
const successor = await owner.keys.rotate(hash);
const heir = new XRouter({ apiKey: successor.key });
outcomes.rotated = [await failure(() => ask(mine)), Boolean((await ask(heir)).id)];
await owner.keys.revoke(successor.data.hash);
outcomes.revoked = await failure(() => ask(heir));
console.log(JSON.stringify(outcomes));
