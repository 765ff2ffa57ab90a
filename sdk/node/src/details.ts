// What XRouter says of an answer in its headers: what was adapted, how many providers were tried.

export interface Details {
  /** All that is not as it was asked for, say `temperature=clamped`, as far as it was known then. */
  adapted: string[];
  /** How many providers were tried; null where none was needed. */
  attempts: number | null;
  /** What `client.generation` takes; null where nothing was generated. */
  generationId: string | null;
  requestId: string | null;
}

const known = new WeakMap<object, Details>();

/** Return the details of an answer or a stream of a client of this package. Throws TypeError. */
export function details(answer: object): Details {
  const usage = (answer as { usage?: object | null }).usage;
  const found = known.get(answer) ?? (usage ? known.get(usage) : undefined);
  if (!found) throw new TypeError("This is no answer of XRouter's client.");
  return found;
}

/** Keep the details of an answer with it, and with its usage: openai's `parse` makes a new object around that. */
export function noteDetails(answer: unknown, headers: Headers): void {
  if (typeof answer !== "object" || answer === null) return;
  const attempts = headers.get("x-xrouter-attempts");
  const found: Details = {
    adapted: (headers.get("x-xrouter-adapted") ?? "").split(", ").filter(Boolean),
    attempts: attempts === null ? null : Number(attempts),
    generationId: headers.get("x-generation-id"),
    requestId: headers.get("x-request-id"),
  };
  known.set(answer, found);
  const usage = (answer as { usage?: unknown }).usage;
  if (typeof usage === "object" && usage !== null) known.set(usage, found);
}
