"""The answers about an account: its credential, balance, generations, usage and keys, as types."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from accounts.keys.key_format import KEY_PATTERN
from accounts.principal import LimitReset
from billing.usage.generations import TokensSource
from gateway.api.schema.fields import about
from gateway.api.schema.openapi.completion_answers import AnyFinishReason, Count

Label = Annotated[str, about("What its owner calls it.")]
Spent = Annotated[float, about("What it has spent, in credits, exactly.")]
Charged = Annotated[float, about("What was charged, in credits, exactly.")]
LimitRemaining = Annotated[float | None, about("What the budget leaves; null for no budget.")]
Interval = Annotated[str, Field(pattern=r"^\d+[smd]$", examples=["1s", "60s", "1m", "1d"])]
RawKey = Annotated[str, Field(pattern=f"^{KEY_PATTERN}$")]


class RateLimit(TypedDict):
    """How many requests may begin in any such time."""

    requests: Count
    interval: Interval


class OwnKey(TypedDict):
    label: Label
    usage: Spent
    limit: Annotated[float | None, about("Its own budget; null for none.")]
    limit_remaining: LimitRemaining
    limit_reset: Annotated[LimitReset | None, about("When the budget begins anew; null for never.")]
    is_free_tier: Annotated[bool, about("Whether the account has no credits.")]
    is_test: Annotated[bool, about("Whether the sandbox answers it.")]
    rate_limit: RateLimit


class Key(TypedDict):
    data: OwnKey


class AccountBalance(TypedDict):
    total_credits: Annotated[float, about("All that was added, in credits, exactly.")]
    total_usage: Annotated[float, about("All that was charged, in credits, exactly.")]


class Credits(TypedDict):
    data: AccountBalance


class AttemptAnswer(TypedDict):
    provider: str
    model: str
    outcome: Literal[
        "answered",
        "unavailable",
        "not_understood",
        "timeout",
        "credential_refused",
        "busy",
        "rejected",
        "nobody_asked",
        "cancelled",
        "credential_ended",
        "failed",
    ]
    ms: Annotated[int, about("Milliseconds to the outcome.", ge=0)]


class RoutingCandidate(TypedDict):
    provider: str
    model: str
    reasons: list[str]


class LeftOutRoute(TypedDict):
    provider: str
    model: str
    reason: str


class RoutingAnswer(TypedDict):
    strategy: Annotated[
        str,
        about(
            "How the candidates were put in order: `balanced`, `price`, `latency`, `throughput`,"
            " `auto`, `order`; of several models, several of them."
        ),
    ]
    candidates: Annotated[list[RoutingCandidate], about("Who was to be asked, in order, and why.")]
    left_out: Annotated[list[LeftOutRoute], about("Who was not, and why; the first few.")]


class GenerationDetails(TypedDict):
    id: str
    model: Annotated[str, about("The model that served, or was asked last.")]
    requested_model: Annotated[str | None, about("The model as the caller named it.")]
    provider_name: str | None
    created_at: datetime
    streamed: bool
    cancelled: Annotated[bool, about("Whether the caller left before the end.")]
    tokens_prompt: Count
    tokens_completion: Count
    tokens_cached: Count
    tokens_source: Annotated[TokensSource, about("Who counted the tokens.")]
    total_cost: Charged
    latency: Annotated[int | None, about("Milliseconds to the end.")]
    time_to_first_token: Annotated[int | None, about("Milliseconds to the first chunk.")]
    finish_reason: AnyFinishReason | None
    native_finish_reason: str | None
    error_code: Annotated[
        str | None, about("Why it failed, in the words of an attempt's `outcome`.")
    ]
    attempts: Annotated[list[AttemptAnswer], about("Who was asked, in order.")]
    adapted: Annotated[list[str], about("All that was not as the caller asked.")]
    routing: Annotated[
        RoutingAnswer | None, about("Why it went where it went; null where nothing was chosen.")
    ]
    queued_ms: Annotated[
        int | None, about("Milliseconds it waited for a place at the provider; null if unknown.")
    ]
    request_id: Annotated[str | None, about("The `X-Request-ID` of its answer.")]
    user: Annotated[str | None, about("The request's own `user`; null when not given.")]
    session_id: Annotated[str | None, about("The request's own `session_id`, likewise.")]
    metadata: Annotated[dict[str, str] | None, about("The request's own `metadata`, likewise.")]


class GenerationAnswer(TypedDict):
    data: GenerationDetails


class ActivityRow(TypedDict):
    date: Annotated[date, about("Moscow's day.")]
    model: str
    key: Annotated[str | None, about("What its owner calls the key.")]
    requests: Count
    tokens_prompt: Count
    tokens_completion: Count
    usage: Charged


class Activity(TypedDict):
    data: list[ActivityRow]


class OwnRate(TypedDict):
    requests: Annotated[int, Field(ge=1)]
    interval: Annotated[str, Field(pattern=r"^\d+[smd]$")]


class KeyCard(TypedDict):
    hash: Annotated[str, about("Its public name.", pattern="^[0-9a-f]{64}$")]
    name: Label
    label: Annotated[str, about("Its first and last characters.")]
    disabled: bool
    limit: Annotated[float | None, about("Its own budget in credits; null for none.")]
    limit_remaining: LimitRemaining
    limit_reset: LimitReset | None
    usage: Spent
    created_at: datetime
    last_used_at: datetime | None
    last_used_network: Annotated[
        str | None, about("From where: the IPv4 /24 or IPv6 /48 of the caller's address.")
    ]
    expires_at: Annotated[datetime | None, about("From when on it is refused; null for never.")]
    frozen_at: Annotated[
        datetime | None, about("Since when it is frozen for its owner's protection.")
    ]
    allowed_models: list[str] | None
    allowed_ips: list[str] | None
    rate_limit: OwnRate | None
    concurrency: Annotated[int | None, about("How many requests may run at once.")]
    test: Annotated[bool, about("Whether the sandbox answers it.")]


class ManagedKey(TypedDict):
    data: KeyCard


class CreatedKey(TypedDict):
    data: KeyCard
    key: RawKey


class KeyList(TypedDict):
    data: list[KeyCard]


class Revocation(TypedDict):
    hash: str
    deleted: bool


class RevokedKey(TypedDict):
    data: Revocation


class OneClickKey(TypedDict):
    key: RawKey
    user_id: Annotated[str, about("The person's public number.")]


class ModelMapAnswer(TypedDict):
    data: Annotated[
        dict[str, str],
        about(
            "A name, or a pattern in which `*` stands for any characters → the model that answers."
        ),
    ]


class AcceptedReport(TypedDict):
    status: Literal["accepted"]


class LeakAccepted(TypedDict):
    """The same for every report."""

    data: AcceptedReport
