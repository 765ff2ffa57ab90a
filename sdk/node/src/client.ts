// The client: the official openai one, told where XRouter is, with XRouter's own calls beside its.

import OpenAI, { type APIPromise, type ClientOptions } from "openai";
import type { ActivityRow, Credits, Generation, Key, KeySettings, NewKey, Plan, RotatedKey } from "./answers.js";
import { details, noteDetails } from "./details.js";

const LOCAL_ADDRESS = "http://localhost:8000/v1";

type Request = Parameters<OpenAI["request"]>[0];
type Chat = OpenAI.Chat.ChatCompletionCreateParams & { [extension: string]: unknown };
type Prepared = Parameters<OpenAI["prepareRequest"]>;

/**
 * OpenAI at XRouter: `apiKey` is XROUTER_API_KEY and `baseURL` XROUTER_BASE_URL unless given.
 *
 * A plain request bears an Idempotency-Key that stays the same over the client's own retries, so that none of
 * them is paid for twice.
 */
export class XRouter extends OpenAI {
  readonly keys = new Keys(this);
  readonly modelMap = new ModelMap(this);
  protected override idempotencyHeader = "Idempotency-Key";

  constructor(options: ClientOptions = {}) {
    const apiKey = options.apiKey ?? process.env["XROUTER_API_KEY"];
    if (!apiKey) throw new OpenAI.OpenAIError("Give apiKey, or set XROUTER_API_KEY.");
    const baseURL = options.baseURL || process.env["XROUTER_BASE_URL"] || LOCAL_ADDRESS;
    super({ ...options, apiKey, baseURL });
  }

  /** Say who would answer this chat and for how much; nothing is run or charged. */
  async plan(chat: Chat): Promise<Plan> {
    return data(await this.post<{ data: Plan }>("/plan", { body: chat }));
  }

  /** Look up a request by its id, its answer, or its stream, which has to have ended. */
  async generation(of: string | object): Promise<Generation> {
    const id = typeof of === "string" ? of : details(of).generationId;
    if (!id) throw new TypeError("Nothing was generated for this answer.");
    return data(await this.get<{ data: Generation }>("/generation", { query: { id } }));
  }

  /** Return what a request was charged, in credits; of a stream once it has ended. */
  async cost(of: string | object): Promise<number> {
    return (await this.generation(of)).total_cost;
  }

  async credits(): Promise<Credits> {
    return data(await this.get<{ data: Credits }>("/credits"));
  }

  /** Return the usage by day (`2026-01-31`), model and key; of the last 30 days where nothing is said. */
  async activity(query: { since?: string; until?: string } = {}): Promise<ActivityRow[]> {
    return data(await this.get<{ data: ActivityRow[] }>("/activity", { query }));
  }

  override request<Answer>(options: Request, remainingRetries: number | null = null): APIPromise<Answer> {
    return super.request<Answer>(options, remainingRetries)._thenUnwrap((answer, { response }) => {
      noteDetails(answer, response.headers);
      return answer;
    });
  }

  /** A stream is never repeated: it needs no key of ours. */
  protected override async prepareRequest(request: Prepared[0], known: Prepared[1]): Promise<void> {
    await super.prepareRequest(request, known);
    const headers = request.headers;
    const isOurs = (key: string | null) => key !== null && key === known.options.idempotencyKey;
    if (known.options.stream && headers instanceof Headers && isOurs(headers.get(this.idempotencyHeader))) {
      headers.delete(this.idempotencyHeader);
    }
  }
}

/** `client.keys`: the account's API keys. It takes an OAuth token of the scope `keys`. */
export class Keys {
  constructor(private readonly client: XRouter) {}

  create(settings: KeySettings & { name: string; test?: boolean }): Promise<NewKey> {
    return this.client.post<NewKey>("/keys", { body: settings });
  }

  /** Return a hundred keys at most, the newest first. */
  async list(query: { offset?: number; include_disabled?: boolean } = {}): Promise<Key[]> {
    return data(await this.client.get<{ data: Key[] }>("/keys", { query }));
  }

  async get(hash: string): Promise<Key> {
    return data(await this.client.get<{ data: Key }>(path(hash)));
  }

  async change(hash: string, settings: KeySettings & { name?: string }): Promise<Key> {
    return data(await this.client.patch<{ data: Key }>(path(hash), { body: settings }));
  }

  /** Make the key's successor; the old one lives on for `overlapSeconds`. */
  rotate(hash: string, { overlapSeconds = 0 } = {}): Promise<RotatedKey> {
    return this.client.post<RotatedKey>(`${path(hash)}/rotate`, { body: { overlap_seconds: overlapSeconds } });
  }

  async revoke(hash: string): Promise<void> {
    await this.client.delete(path(hash));
  }
}

/** `client.modelMap`: the account's own names for models. It takes an OAuth token of the scope `keys`. */
export class ModelMap {
  constructor(private readonly client: XRouter) {}

  async get(): Promise<Record<string, string>> {
    return data(await this.client.get<{ data: Record<string, string> }>("/model_map"));
  }

  /** Put these names and patterns in the place of all; none clears the map. */
  async replace(names: Record<string, string>): Promise<Record<string, string>> {
    const body = { data: names };
    return data(await this.client.put<{ data: Record<string, string> }>("/model_map", { body }));
  }
}

function data<Data>(answer: { data: Data }): Data {
  return answer.data;
}

function path(hash: string): string {
  return `/keys/${encodeURIComponent(hash)}`;
}
