"""What becomes known of a request while it is answered, for its log line and its metrics."""

import time
from contextvars import ContextVar


class RequestFacts:
    """One request; whoever knows a fact sets it.

    `caller` is the principal, `route` the path's pattern, `model` and `provider` are the catalogue's words,
    "" where there is none. `ended_s` is set when the last byte was sent.
    """

    __slots__ = (
        "account",
        "attempts",
        "began_s",
        "caller",
        "charge_nano",
        "code",
        "ended_s",
        "first_token_ms",
        "generation",
        "limit_source",
        "method",
        "model",
        "param",
        "path",
        "provider",
        "queued_ms",
        "request_id",
        "requested_model",
        "response_bytes",
        "route",
        "status",
        "tokens_cached",
        "tokens_completion",
        "tokens_prompt",
        "traceparent",
    )

    def __init__(self, request_id: str, method: str, path: str) -> None:
        self.request_id = request_id
        self.method = method
        self.path = path
        self.began_s = time.monotonic()
        self.ended_s = 0.0
        self.route = ""
        self.traceparent = ""
        self.status = 0
        self.response_bytes: int | None = None
        self.account: int | None = None
        self.caller: object = None
        self.param: str | None = None
        self.requested_model = ""
        self.code: str | None = None
        self.limit_source: str | None = None
        self.model = ""
        self.provider = ""
        self.generation: str | None = None
        self.attempts: int | None = None
        self.queued_ms: int | None = None
        self.first_token_ms: int | None = None
        self.tokens_prompt = self.tokens_cached = self.tokens_completion = 0
        self.charge_nano = 0


_current: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def begin(facts: RequestFacts) -> None:
    """Make `facts` those of the request that this context answers."""
    _current.set(facts)


def current() -> RequestFacts:
    """Return the facts of the request that is being answered; outside of one, some that nobody reads."""
    return _current.get() or RequestFacts("", "", "")
