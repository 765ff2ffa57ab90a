// What XRouter's own calls answer, as it stands on the wire. Money is credits: a credit is a rouble.

export interface Credits {
  total_credits: number;
  total_usage: number;
}

/** One provider that was asked, and what came of it. */
export interface Attempt {
  provider: string;
  model: string;
  outcome: string;
  ms: number;
}

/** The record of one request; `latency` and the times are milliseconds. */
export interface Generation {
  id: string;
  model: string;
  requested_model: string | null;
  provider_name: string | null;
  created_at: string;
  streamed: boolean;
  cancelled: boolean;
  tokens_prompt: number;
  tokens_completion: number;
  tokens_cached: number;
  tokens_source: "provider" | "estimated";
  total_cost: number;
  latency: number | null;
  time_to_first_token: number | null;
  finish_reason: string | null;
  attempts: Attempt[];
  adapted: string[];
  queued_ms: number | null;
  request_id: string | null;
  user: string | null;
  session_id: string | null;
  metadata: Record<string, string> | null;
}

/** A day's usage of one model by one key; the day is Moscow's. */
export interface ActivityRow {
  date: string;
  model: string;
  key: string | null;
  requests: number;
  tokens_prompt: number;
  tokens_completion: number;
  usage: number;
}

export interface PlanCandidate {
  model: string;
  provider: string;
  reasons: string[];
  adapted: string[];
  tokens_prompt: number;
  max_tokens: number;
  cost: { least: number; most: number };
}

/** Who would be asked, in order, and whether the request would be let through. */
export interface Plan {
  candidates: PlanCandidate[];
  skipped: { model: string; provider: string; reason: string }[];
  admitted: boolean;
  refusal: { message: string; type: string; param: string | null; code: string } | null;
}

/** What a key may be told to be. */
export interface KeySettings {
  limit?: number | string | null;
  limit_reset?: "daily" | "weekly" | "monthly" | null;
  disabled?: boolean;
  allowed_models?: string[] | null;
  allowed_ips?: string[] | null;
  rate_limit?: { requests: number; interval: "1s" | "1m" | "1d" } | null;
  concurrency?: number | null;
  expires_at?: string | null;
}

/** An API key without its text; `hash` is its name in the API. */
export interface Key {
  hash: string;
  name: string;
  label: string;
  disabled: boolean;
  limit: number | null;
  limit_remaining: number | null;
  limit_reset: "daily" | "weekly" | "monthly" | null;
  usage: number;
  created_at: string;
  last_used_at: string | null;
  allowed_models: string[] | null;
  allowed_ips: string[] | null;
  test: boolean;
}

/** A key that was just made. `key` is its text, which is shown this once. */
export interface NewKey {
  data: Key;
  key: string;
}

/** The successor of a key. `key` is its text, which is shown this once. */
export interface RotatedKey {
  data: { hash: string };
  key: string;
}
