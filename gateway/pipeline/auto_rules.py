"""What speaks for and against a model when `xrouter/auto` chooses: rules as data, with their reasons. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.health.routes import RouteState
from gateway.health.windows import Measured
from gateway.pipeline.estimate import prompt_floor_tokens
from gateway.providers.chat_types import ChatRequest
from gateway.providers.profile import ModelProfile

Language = Literal["ru", "other"]

SAMPLE_CHARACTERS = 2000
USUAL_ANSWER_TOKENS = 500
QUICK_MS = 400
"""Nobody feels that one model is quicker than this and another is quicker still."""
USUAL_MS = 1000
"""What a model that was not measured of late is taken for."""
LEAST_ASKED = 5
RUSSIAN_VENDORS = frozenset({"sber", "yandex"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rules look at in a request. `tokens` is a floor of the prompt."""

    language: Language
    tokens: int
    answer_tokens: int
    has_tools: bool
    has_schema: bool
    has_images: bool


NO_TRAITS = Traits("other", 0, 0, has_tools=False, has_schema=False, has_images=False)
"""Of a request that no rule will look at."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at in a model: `dearness` is its cost over that of the cheapest of all,
    `slowness` its time to the first token over that of the quickest."""

    owner: str
    profile: ModelProfile
    dearness: float
    slowness: float
    measured: Measured
    state: RouteState


@dataclass(frozen=True, slots=True)
class Rule:
    """`weight` points for each unit of `measure`; 0 of it, and the rule is silent."""

    name: str
    weight: float
    reason: str
    measure: Callable[[Traits, Facts], float]


@dataclass(frozen=True, slots=True)
class Veto:
    """A demand that leaves a model out."""

    reason: str
    applies: Callable[[Traits, Facts], bool]


VETOES = (
    Veto("it takes no pictures", lambda t, f: t.has_images and not f.profile.images),
    Veto("it calls no tools", lambda t, f: t.has_tools and f.profile.tools == "none"),
    Veto("it keeps to no schema", lambda t, f: t.has_schema and f.profile.json_schema == "none"),
)

RULES = (
    Rule(
        "language",
        1.0,
        "the prompt is Russian, and so is its maker's first language",
        lambda t, f: t.language == "ru" and f.owner in RUSSIAN_VENDORS,
    ),
    Rule(
        "length",
        -2.0,
        "the prompt fills more than half of its context",
        lambda t, f: t.tokens > f.profile.context_tokens / 2,
    ),
    Rule(
        "tools",
        1.0,
        "it calls tools natively",
        lambda t, f: t.has_tools and f.profile.tools == "native",
    ),
    Rule(
        "schema",
        1.0,
        "it keeps to a schema natively",
        lambda t, f: t.has_schema and f.profile.json_schema == "native",
    ),
    Rule(
        "price",
        -1.0,
        "what this request may cost, a point for each doubling of the cheapest",
        lambda t, f: math.log2(f.dearness),
    ),
    Rule(
        "latency",
        -1.0,
        "its measured time to the first token, a point for each doubling of the quickest",
        lambda t, f: math.log2(f.slowness),
    ),
    Rule(
        "success",
        -10.0,
        "the share of its latest requests that failed",
        lambda t, f: f.measured.failed / f.measured.asked if f.measured.asked >= LEAST_ASKED else 0,
    ),
    Rule(
        "health",
        -4.0,
        "its last requests failed, or its provider is over its limit",
        lambda t, f: f.state.is_weak,
    ),
)


def traits_of(request: ChatRequest) -> Traits:
    """Look at a request; its language is that of the user's last words."""
    wanted = request.response_format
    return Traits(
        language=_language_of(request),
        tokens=prompt_floor_tokens(request),
        answer_tokens=request.max_tokens or USUAL_ANSWER_TOKENS,
        has_tools=bool(request.tools),
        has_schema=wanted is not None and wanted.kind == "json_schema",
        has_images=any(message.images for message in request.messages),
    )


def time_ms(measured: Measured) -> int:
    """Return the time to the first token to reckon with."""
    return max(QUICK_MS, USUAL_MS if measured.first_token_ms is None else measured.first_token_ms)


def veto(traits: Traits, facts: Facts) -> str | None:
    """Return why a model cannot answer; None where it can."""
    return next((one.reason for one in VETOES if one.applies(traits, facts)), None)


def points(traits: Traits, facts: Facts) -> tuple[float, tuple[str, ...]]:
    """Return the points of a model, and each rule that spoke, as `price -1.6: why`."""
    spoken = [(rule, rule.weight * rule.measure(traits, facts)) for rule in RULES]
    said = [(rule, worth) for rule, worth in spoken if round(worth, 1)]
    return (
        sum(worth for _, worth in said),
        tuple(f"{rule.name} {worth:+.1f}: {rule.reason}" for rule, worth in said),
    )


def _language_of(request: ChatRequest) -> Language:
    said = [message.content for message in request.messages if message.role == "user"]
    sample = said[-1][:SAMPLE_CHARACTERS] if said else ""
    letters = [character for character in sample.lower() if character.isalpha()]
    russian = sum("а" <= letter <= "я" or letter == "ё" for letter in letters)
    return "ru" if letters and 2 * russian >= len(letters) else "other"
