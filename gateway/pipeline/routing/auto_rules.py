"""Score models for `xrouter/auto`: rules as data, each with its reason. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.health.routes import RouteState
from gateway.health.windows import Measured
from gateway.pipeline.token_estimate import prompt_floor_tokens
from gateway.providers.chat_types import ChatRequest
from gateway.providers.profile import ModelProfile

Language = Literal["ru", "other"]

SAMPLE_CHARACTERS = 2000
USUAL_ANSWER_TOKENS = 500
QUICK_MS = 400
"""Times below this count as equal: nobody feels the difference."""
USUAL_MS = 1000
"""Assumed of a model that has not been measured lately."""
LEAST_ASKED = 5
RUSSIAN_VENDORS = frozenset({"sber", "yandex"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rules look at in a request. `tokens` is a lower bound of the prompt."""

    language: Language
    tokens: int
    answer_tokens: int
    has_tools: bool
    has_schema: bool
    has_images: bool
    reasons: bool = False


NO_TRAITS = Traits("other", 0, 0, has_tools=False, has_schema=False, has_images=False)
"""For requests that are not routed by rules."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the rules look at in a model.

    `dearness` is its cost divided by the cheapest model's, `slowness` its time to the first token divided
    by the quickest model's.
    """

    owner: str
    profile: ModelProfile
    dearness: float
    slowness: float
    measured: Measured
    state: RouteState


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives `weight` points for each unit of `measure`; it is named only where that is not 0."""

    name: str
    weight: float
    reason: str
    measure: Callable[[Traits, ModelFacts], float]


@dataclass(frozen=True, slots=True)
class Veto:
    """A demand that excludes a model."""

    reason: str
    applies: Callable[[Traits, ModelFacts], bool]


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
        "reasoning",
        2.0,
        "the request asks for reasoning, and it reasons",
        lambda t, f: t.reasons and "reasoning_effort" in f.profile.parameters,
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
    """Return the traits of a request; its language is that of the last user message."""
    wanted = request.response_format
    return Traits(
        language=_language_of(request),
        tokens=prompt_floor_tokens(request),
        answer_tokens=request.max_tokens or USUAL_ANSWER_TOKENS,
        has_tools=bool(request.tools),
        has_schema=wanted is not None and wanted.kind == "json_schema",
        has_images=any(message.images for message in request.messages),
        reasons=request.reasoning_effort is not None,
    )


def time_ms(measured: Measured) -> int:
    """Return the time to the first token to compare by."""
    return max(QUICK_MS, USUAL_MS if measured.first_token_ms is None else measured.first_token_ms)


def veto(traits: Traits, facts: ModelFacts) -> str | None:
    """Return why a model cannot answer; None where it can."""
    return next((rule.reason for rule in VETOES if rule.applies(traits, facts)), None)


def points(traits: Traits, facts: ModelFacts) -> tuple[float, tuple[str, ...]]:
    """Return the points of a model, and each rule that gave any, as `price -1.6: why`."""
    given = [(rule, rule.weight * rule.measure(traits, facts)) for rule in RULES]
    counted = [(rule, worth) for rule, worth in given if round(worth, 1)]
    return (
        sum(worth for _, worth in counted),
        tuple(f"{rule.name} {worth:+.1f}: {rule.reason}" for rule, worth in counted),
    )


def _language_of(request: ChatRequest) -> Language:
    texts = [message.content for message in request.messages if message.role == "user"]
    sample = texts[-1][:SAMPLE_CHARACTERS] if texts else ""
    letters = [character for character in sample.lower() if character.isalpha()]
    russian = sum("а" <= letter <= "я" or letter == "ё" for letter in letters)
    return "ru" if letters and 2 * russian >= len(letters) else "other"
