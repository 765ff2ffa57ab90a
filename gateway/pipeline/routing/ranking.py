"""Order the routes that may serve a requested model, with the reasons for each place. Pure."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.health.routes import Health, RouteState
from gateway.health.windows import Measured
from gateway.pipeline.routing.auto_rules import ModelFacts, Traits, points, time_ms, veto

Strategy = Literal["balanced", "price", "latency", "throughput", "auto"]

Draw = Callable[[], float]
"""Yields numbers from 0 to 1."""

NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION = 1000


class RouteOption(NamedTuple):
    """A route that may serve a model, with what the caller pays and its health."""

    model: CatalogModel
    route: CatalogRoute
    price: PriceValue
    state: RouteState


class RankedRoute(NamedTuple):
    """An offer and the reasons for its place; `veto` says why it cannot serve the request."""

    option: RouteOption
    reasons: tuple[str, ...]
    veto: str | None = None


def ranked(
    options: Sequence[RouteOption],
    strategy: Strategy,
    *,
    traits: Traits,
    health: Health,
    draw: Draw,
) -> list[RankedRoute]:
    """Return the offers, best first, and those in bad health behind the others."""
    match strategy:
        case "balanced":
            return _balanced(options, draw)
        case "price":
            return _by_price(options)
        case "latency":
            return _by_latency(options, health)
        case "throughput":
            return _by_throughput(options, health)
        case "auto":
            return _by_rules(options, traits, health)


def _balanced(options: Sequence[RouteOption], draw: Draw) -> list[RankedRoute]:
    """By priority, then at random, weighted in favour of what costs less."""
    if len(options) == 1:
        return [RankedRoute(options[0], ("the only route", *_remarks(options[0].state)))]
    # Exponential variates with the weights as rates: sorted, they are a weighted random order.
    lots = [-math.log(1 - draw()) / _weight(option) for option in options]
    order = sorted(
        range(len(options)),
        key=lambda i: (options[i].state.is_weak, options[i].route.priority, lots[i]),
    )
    return [
        RankedRoute(
            options[i],
            (
                f"priority {options[i].route.priority}, then by lot, the cheaper the likelier",
                *_remarks(options[i].state),
            ),
        )
        for i in order
    ]


def _by_price(options: Sequence[RouteOption]) -> list[RankedRoute]:
    order = sorted(
        options,
        key=lambda option: (
            option.state.is_weak,
            _price(option.price),
            _cost(option),
            option.route.priority,
            option.model.id,
        ),
    )
    unit = NANO_PER_TOKEN_IN_A_ROUBLE_PER_MILLION
    return [
        RankedRoute(
            option,
            (
                f"price: {option.price.prompt_nano / unit:g} and {option.price.completion_nano / unit:g}"
                " roubles per million tokens of prompt and answer",
                *_remarks(option.state),
            ),
        )
        for option in order
    ]


def _by_latency(options: Sequence[RouteOption], health: Health) -> list[RankedRoute]:
    found = [(option, _measured(option, health).first_token_ms) for option in options]
    found.sort(
        key=lambda pair: (pair[0].state.is_weak, _unless_none(pair[1]), pair[0].route.priority)
    )
    return [
        RankedRoute(
            option,
            (
                "latency: not measured of late"
                if first_ms is None
                else f"latency: {first_ms} ms to the first token",
                *_remarks(option.state),
            ),
        )
        for option, first_ms in found
    ]


def _by_throughput(options: Sequence[RouteOption], health: Health) -> list[RankedRoute]:
    found = [(option, _measured(option, health)) for option in options]
    found.sort(
        key=lambda pair: (
            pair[0].state.is_weak,
            -(pair[1].tokens_per_s or 0),
            _unless_none(pair[1].first_token_ms),
            pair[0].route.priority,
        )
    )
    return [
        RankedRoute(
            option,
            (
                "throughput: not measured of late"
                if measured.tokens_per_s is None
                else f"throughput: {measured.tokens_per_s:.0f} tokens per second",
                *_remarks(option.state),
            ),
        )
        for option, measured in found
    ]


def _by_rules(options: Sequence[RouteOption], traits: Traits, health: Health) -> list[RankedRoute]:
    """Most points first."""
    measured = [_measured(option, health) for option in options]
    costs = [_request_cost(option.price, traits) for option in options]
    quickest_ms = min(map(time_ms, measured), default=1)
    judged: list[tuple[float, float, RankedRoute]] = []
    vetoed: list[RankedRoute] = []
    for option, figures, cost in zip(options, measured, costs, strict=True):
        facts = ModelFacts(
            owner=option.model.owned_by,
            profile=option.route.profile,
            dearness=cost / min(costs),
            slowness=time_ms(figures) / quickest_ms,
            measured=figures,
            state=option.state,
        )
        if (reason := veto(traits, facts)) is not None:
            vetoed.append(RankedRoute(option, (), reason))
            continue
        worth, reasons = points(traits, facts)
        judged.append((-worth, cost, RankedRoute(option, (f"{worth:.1f} points", *reasons))))
    judged.sort(key=lambda entry: (entry[0], entry[1], entry[2].option.model.id))
    return [*(place for _, _, place in judged), *vetoed]


def _remarks(state: RouteState) -> tuple[str, ...]:
    if not (state.is_weak or state.is_half_open):
        return ()
    remarks = (
        (state.is_half_open, "it rested after failures, and is tried again"),
        (state.is_degraded, "its last requests failed"),
        (state.is_busy, "its provider is over its limit"),
        (not state.has_credentials, "the credentials of its provider are refused"),
    )
    return tuple(text for holds, text in remarks if holds)


def _measured(option: RouteOption, health: Health) -> Measured:
    return health.measured(option.route.provider, option.route.upstream_id)


def _unless_none(value: int | None) -> float:
    return math.inf if value is None else value


def _price(price: PriceValue) -> int:
    return price.prompt_nano + price.completion_nano


def _cost(option: RouteOption) -> int:
    """Return what a token of prompt and one of answer cost us, or the caller where that is not known."""
    return _price(option.route.upstream_price or option.price)


def _weight(option: RouteOption) -> float:
    return option.route.weight / max(1, _cost(option)) ** 2


def _request_cost(price: PriceValue, traits: Traits) -> int:
    return max(1, traits.tokens * price.prompt_nano + traits.answer_tokens * price.completion_nano)
