"""What the bodies and queries about API keys may say, and the settings of a key made of them."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from accounts.keys.issuing import OVERLAP_MAX_S
from accounts.keys.key_settings import (
    KEY_CONCURRENCY_MAX,
    LIST_MAX_ITEMS,
    MODEL_MAX_CHARS,
    NAME_MAX_CHARS,
    RATE_MAX,
    KeySettings,
)
from accounts.oauth import pkce
from accounts.principal import KeyRate, LimitReset
from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
    FieldType,
    JSONObject,
    LineType,
    TextsType,
    TextType,
    WholeType,
    about,
    invalid,
    optional,
)
from gateway.api.schema.parsing import Body
from infra.credits import MAX_AMOUNT_NANO, NANO_PER_CREDIT, parse_credits

OFFSET_MAX = 2**31 - 1
NETWORK_MAX_CHARS = 64
CODE_MAX_CHARS = 128
VERIFIER_MIN_CHARS = 43
VERIFIER_MAX_CHARS = 128
LIMIT_MAX_CREDITS = MAX_AMOUNT_NANO // NANO_PER_CREDIT
INTERVALS = {"1s": 1, "1m": 60, "1d": 86_400}
LEAKED_MAX_KEYS = 100
EXACT_DIGITS = 15
"""A JSON number with more digits may have lost some on its way."""

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,9})?$"


class CreditsType(FieldType):
    """An exact amount of credits, read as nano-credits: a number, or a text that spells one."""

    def read(self, value: Any) -> int:
        text = value if isinstance(value, str) else _decimal_text(value)
        try:
            amount_nano = parse_credits(text)
        except ValueError:
            amount_nano = -1
        if not 0 <= amount_nano <= MAX_AMOUNT_NANO:
            raise invalid(
                f"must be credits from 0 to {LIMIT_MAX_CREDITS}, with 9 decimal places at most."
            )
        return amount_nano

    def json_schema(self) -> JSONObject:
        number = {"type": "number", "minimum": 0, "maximum": LIMIT_MAX_CREDITS}
        return {"anyOf": [number, {"type": "string", "pattern": _AMOUNT}]}


@dataclass(frozen=True, slots=True)
class RawKeysType(FieldType):
    """A list of 1 to `most` texts, whatever they say: what is no key is not told from what is one."""

    most: int

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise invalid(f"must be a list of 1 to {self.most} keys.")
        if not all(isinstance(item, str) for item in value):
            raise invalid("must hold texts.")
        return tuple(value)

    def json_schema(self) -> JSONObject:
        return {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": self.most,
        }


class RateBody(Body):
    requests: Annotated[int, WholeType(1, RATE_MAX)]
    interval: Annotated[str, ChoiceType(tuple(INTERVALS))]


@dataclass(frozen=True, slots=True)
class BoundsType(TextsType):
    """A list that bounds a key; an empty one would say that it may nothing, or everything."""

    def read(self, value: Any) -> tuple[str, ...]:
        if value == []:
            raise invalid("must not be empty. Null lifts the restriction.")
        return TextsType.read(self, value)


class MomentType(FieldType):
    """A date and time of RFC 3339, with its zone."""

    def read(self, value: Any) -> datetime:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            with contextlib.suppress(ValueError, OverflowError):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        raise invalid("must be a date and time with a zone, such as 2027-01-31T12:00:00+03:00.")

    def json_schema(self) -> JSONObject:
        return {"type": "string", "format": "date-time"}


class KeyChange(Body):
    name: Annotated[str, LineType(NAME_MAX_CHARS, fewest=1)] | None = optional(
        "What its owner calls it."
    )
    limit: Annotated[int, CreditsType()] | None = optional(
        "Its own budget in credits, exactly; a text where a JSON number would lose digits. Null for"
        " none."
    )
    limit_reset: Annotated[LimitReset, ChoiceType(get_args(LimitReset))] | None = optional(
        "When the budget begins anew, by Moscow's days and weeks from Monday; null for never."
    )
    disabled: Boolean | None = optional("Whether it is switched off; it can be switched on again.")
    allowed_models: (
        Annotated[tuple[str, ...], BoundsType(LIST_MAX_ITEMS, MODEL_MAX_CHARS, fewest=1)] | None
    ) = optional("The models it may use; null for all.")
    allowed_ips: (
        Annotated[tuple[str, ...], BoundsType(LIST_MAX_ITEMS, NETWORK_MAX_CHARS, fewest=1)] | None
    ) = optional("The addresses and networks it works from; null for everywhere.")
    rate_limit: RateBody | None = optional(
        "How many requests may begin in any such time; null for no limit of its own."
    )
    concurrency: Annotated[int, WholeType(1, KEY_CONCURRENCY_MAX)] | None = optional(
        "How many requests may run at once; null for as many as the account's."
    )
    expires_at: Annotated[datetime, MomentType()] | None = optional(
        "From when on it is refused, with a zone and in the future; null for never."
    )


class NewKey(KeyChange):
    name: Annotated[str, LineType(NAME_MAX_CHARS, fewest=1)] = about("What its owner calls it.")
    test: Boolean | None = optional("Whether the sandbox answers it; for good.", default=False)


class KeyRotation(Body):
    overlap_seconds: Annotated[int, WholeType(0, OVERLAP_MAX_S)] | None = optional(
        "How long the old key works beside its successor.", default=0
    )


class KeyListQuery(Body):
    offset: Annotated[int, WholeType(0, OFFSET_MAX)] | None = optional(
        "How many keys to pass over.", default=0
    )
    include_disabled: Boolean | None = optional(
        "`false` leaves out those that are switched off.", default=True
    )


class LeakedKeysBody(Body):
    keys: Annotated[tuple[str, ...], RawKeysType(LEAKED_MAX_KEYS)] = about("The raw keys, whole.")


class OneClickCodeBody(Body):
    code: Annotated[str, TextType(CODE_MAX_CHARS, fewest=1)]
    code_verifier: Annotated[str, TextType(VERIFIER_MAX_CHARS, fewest=1)] = Field(
        description="What the challenge was made of.",
        json_schema_extra={"minLength": VERIFIER_MIN_CHARS},
    )
    code_challenge_method: Annotated[Literal["S256"], ChoiceType((pkce.METHOD,))] | None = None


def key_settings(body: KeyChange) -> KeySettings:
    """Return what the body sets; null takes a bound away."""
    settings = KeySettings()
    if body.name is not None:
        settings["name"] = body.name
    if body.disabled is not None:
        settings["disabled"] = body.disabled
    named = body.model_fields_set
    if "limit" in named:
        settings["limit_nano"] = body.limit
    if "limit_reset" in named:
        settings["limit_reset"] = body.limit_reset
    if "allowed_models" in named:
        settings["allowed_models"] = body.allowed_models or ()
    if "allowed_ips" in named:
        settings["allowed_ips"] = body.allowed_ips or ()
    if "rate_limit" in named:
        rate = body.rate_limit
        settings["rate"] = KeyRate(rate.requests, INTERVALS[rate.interval]) if rate else None
    if "concurrency" in named:
        settings["concurrency"] = body.concurrency
    if "expires_at" in named:
        settings["expires_at"] = body.expires_at
    return settings


def _decimal_text(value: Any) -> str:
    """Return the digits of a JSON number, an empty text where it may not have kept them all."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    number = Decimal(repr(value))
    is_exact = isinstance(value, int) or len(number.as_tuple().digits) <= EXACT_DIGITS
    return f"{number:f}" if is_exact else ""
