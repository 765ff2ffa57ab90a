"""The order among routes that may answer for the same wish, and the reason of each place. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from billing.pricing import PriceValue
from gateway.catalog import Model, Route
from gateway.health.routes import Health, RouteState
from gateway.health.windows import Measured
from gateway.pipeline.auto_rules import Facts, Traits, points, time_ms, veto

Strategy = Literal["balanced", "price", "latency", "throughput", "auto"]

Draw = Callable[[], float]
"""Yields numbers from 0 to 1."""

NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """A route that may serve a model, at what the caller pays, with how it is."""

    model: Model
    route: Route
    price: PriceValue
    state: RouteState


@dataclass(frozen=True, slots=True)
class Ranked:
    """An offer in its place, and why it stands there; `veto` says why it stands nowhere."""

    offer: Offer
    reasons: tuple[str, ...]
    veto: str | None = None


def ranked(
    offers: Sequence[Offer], strategy: Strategy, *, traits: Traits, health: Health, draw: Draw
) -> list[Ranked]:
    """Return the offers, the best first. Those whose last requests failed stand behind the others."""
    match strategy:
        case "balanced":
            return _balanced(offers, draw)
        case "price":
            return _by_price(offers)
        case "latency":
            return _by_latency(offers, health)
        case "throughput":
            return _by_throughput(offers, health)
        case "auto":
            return _by_rules(offers, traits, health)


def _balanced(offers: Sequence[Offer], draw: Draw) -> list[Ranked]:
    """Priority first; equals in a random order, each the more likely the less it costs."""
    if len(offers) == 1:
        return [Ranked(offers[0], ("the only route", *_remarks(offers[0].state)))]
    # The first of exponential waiting times: with the weights as their rates it is a fair lot.
    lots = [-math.log(1 - draw()) / _weight(offer) for offer in offers]
    order = sorted(
        range(len(offers)),
        key=lambda i: (offers[i].state.is_weak, offers[i].route.priority, lots[i]),
    )
    return [
        Ranked(
            offers[i],
            (
                f"priority {offers[i].route.priority}, then by lot, the cheaper the likelier",
                *_remarks(offers[i].state),
            ),
        )
        for i in order
    ]


def _by_price(offers: Sequence[Offer]) -> list[Ranked]:
    order = sorted(
        offers,
        key=lambda offer: (
            offer.state.is_weak,
            _price(offer.price),
            _cost(offer),
            offer.route.priority,
            offer.model.id,
        ),
    )
    unit = NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION
    return [
        Ranked(
            offer,
            (
                f"price: {offer.price.prompt_nano / unit:g} and {offer.price.completion_nano / unit:g}"
                " roubles per million tokens of prompt and answer",
                *_remarks(offer.state),
            ),
        )
        for offer in order
    ]


def _by_latency(offers: Sequence[Offer], health: Health) -> list[Ranked]:
    found = [(offer, _measured(offer, health).first_token_ms) for offer in offers]
    found.sort(key=lambda one: (one[0].state.is_weak, _unless_none(one[1]), one[0].route.priority))
    return [
        Ranked(
            offer,
            (
                "latency: not measured of late"
                if first_ms is None
                else f"latency: {first_ms} ms to the first token",
                *_remarks(offer.state),
            ),
        )
        for offer, first_ms in found
    ]


def _by_throughput(offers: Sequence[Offer], health: Health) -> list[Ranked]:
    found = [(offer, _measured(offer, health)) for offer in offers]
    found.sort(
        key=lambda one: (
            one[0].state.is_weak,
            -(one[1].tokens_per_s or 0),
            _unless_none(one[1].first_token_ms),
            one[0].route.priority,
        )
    )
    return [
        Ranked(
            offer,
            (
                "throughput: not measured of late"
                if measured.tokens_per_s is None
                else f"throughput: {measured.tokens_per_s:.0f} tokens per second",
                *_remarks(offer.state),
            ),
        )
        for offer, measured in found
    ]


def _by_rules(offers: Sequence[Offer], traits: Traits, health: Health) -> list[Ranked]:
    """Most points first; then the best of each other provider, so that a fallback does not fall with it."""
    measured = [_measured(offer, health) for offer in offers]
    costs = [_request_cost(offer.price, traits) for offer in offers]
    quickest_ms = min((time_ms(one) for one in measured), default=1)
    judged: list[tuple[float, float, Ranked]] = []
    vetoed: list[Ranked] = []
    for offer, figures, cost in zip(offers, measured, costs, strict=True):
        facts = Facts(
            owner=offer.model.owned_by,
            profile=offer.route.profile,
            dearness=cost / min(costs),
            slowness=time_ms(figures) / quickest_ms,
            measured=figures,
            state=offer.state,
        )
        if (reason := veto(traits, facts)) is not None:
            vetoed.append(Ranked(offer, (), reason))
            continue
        worth, reasons = points(traits, facts)
        judged.append((-worth, cost, Ranked(offer, (f"{worth:.1f} points", *reasons))))
    judged.sort(key=lambda one: (one[0], one[1], one[2].offer.model.id))
    best = [one for _, _, one in judged]
    heads = {one.offer.route.provider: one for one in reversed(best)}
    return [
        *(one for one in best if heads[one.offer.route.provider] is one),
        *(one for one in best if heads[one.offer.route.provider] is not one),
        *vetoed,
    ]


def _remarks(state: RouteState) -> tuple[str, ...]:
    if not (state.is_weak or state.is_trial):
        return ()
    remarks = (
        (state.is_trial, "it rested after failures, and is tried again"),
        (state.is_shaky, "its last requests failed"),
        (state.is_busy, "its provider is over its limit"),
        (not state.has_credentials, "the credentials of its provider are refused"),
    )
    return tuple(text for holds, text in remarks if holds)


def _measured(offer: Offer, health: Health) -> Measured:
    return health.measured(offer.route.provider, offer.route.upstream_id)


def _unless_none(value: int | None) -> float:
    return math.inf if value is None else value


def _price(price: PriceValue) -> int:
    return price.prompt_nano + price.completion_nano


def _cost(offer: Offer) -> int:
    """Return what a pair of tokens costs us; what the caller pays where that is not known."""
    return _price(offer.route.upstream_price or offer.price)


def _weight(offer: Offer) -> float:
    return offer.route.weight / max(1, _cost(offer)) ** 2


def _request_cost(price: PriceValue, traits: Traits) -> int:
    return max(1, traits.tokens * price.prompt_nano + traits.answer_tokens * price.completion_nano)
