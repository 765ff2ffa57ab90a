"""How prices, measurements and failures order the routes, and that each has its reason."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.health.monitor import Monitor
from gateway.health.routes import Health, RouteState
from gateway.health.windows import Measured
from gateway.pipeline.errors import ContextLengthExceeded, NoProviderAvailable
from gateway.pipeline.request import CompletionRequest, Preferences, RequestedModel, Sort
from gateway.pipeline.routing.router import Routing, choose, routes_of
from gateway.providers.chat_types import Message
from tests.health.notes import note
from tests.pipeline.known_health import Known
from tests.pipeline.routing_orders import PROFILE, model_of, order_of


def _served(name: str, *routes: CatalogRoute, price: int = 1000) -> CatalogModel:
    return replace(model_of(name, "x", price=price), routes=routes)


def _route(
    provider: str, *, cost: int | None = None, weight: int = 1, priority: int = 0
) -> CatalogRoute:
    upstream_price = None if cost is None else PriceValue(1, cost, cost, 0)
    return CatalogRoute(provider, f"{provider}-up", priority, weight, PROFILE, upstream_price)


def routing_of(
    *requested_models: RequestedModel,
    health: Health | None = None,
    asked: CompletionRequest | None = None,
    **preferences: Any,
) -> Routing:
    asked = asked or order_of(preferences=Preferences(**preferences))
    return choose(asked, requested_models, health or Known(), random.Random(7).random)


def _ids(routing: Routing) -> list[str]:
    return [candidate.route.upstream_id for candidate in routing.candidates]


def test_routes_of_one_priority_share_by_weight_and_by_the_square_of_what_they_cost_us() -> None:
    model = _served(
        "a",
        _route("dear", cost=200),
        _route("cheap", cost=100),
        _route("heavy", cost=200, weight=4),
    )
    lot = random.Random(1)
    first = Counter(
        choose(order_of(), [RequestedModel((model,))], draw=lot.random).candidates[0].route.provider
        for _ in range(3000)
    )

    share = {provider: count / 3000 for provider, count in first.items()}
    assert share["cheap"] == pytest.approx(4 / 9, abs=0.04)
    assert share["heavy"] == pytest.approx(4 / 9, abs=0.04)
    assert share["dear"] == pytest.approx(1 / 9, abs=0.04)


@pytest.mark.parametrize(
    "state",
    [RouteState(is_degraded=True), RouteState(is_busy=True), RouteState(has_credentials=False)],
    ids=["degraded", "busy", "no credentials"],
)
def test_a_weak_route_stands_behind_a_sound_one_and_is_still_there(state: RouteState) -> None:
    model = _served("a", _route("first"), _route("second", priority=1))

    routing = routing_of(RequestedModel((model,)), health=Known({"first-up": state}))

    assert _ids(routing) == ["second-up", "first-up"]
    assert len(routing.candidates[1].reasons) == 2


def test_a_route_that_rests_is_left_out_and_the_record_says_so() -> None:
    model = _served("a", _route("first"), _route("second", priority=1))

    routing = routing_of(
        RequestedModel((model,)), health=Known({"first-up": RouteState(rest_ms=4000)})
    )

    assert _ids(routing) == ["second-up"]
    [left_out] = routing.left_out
    assert (left_out.provider, left_out.model) == ("first", "a")
    assert "4000 ms" in left_out.reason


def test_a_route_on_trial_keeps_its_place() -> None:
    model = _served("a", _route("first"), _route("second", priority=1))

    routing = routing_of(
        RequestedModel((model,)), health=Known({"first-up": RouteState(is_half_open=True)})
    )

    assert _ids(routing) == ["first-up", "second-up"]


def test_with_every_route_resting_nobody_is_available_until_the_first_is() -> None:
    models = [_served("a", _route("x")), _served("b", _route("y"))]
    health = Known({"x-up": RouteState(rest_ms=9000), "y-up": RouteState(rest_ms=2500)})

    with pytest.raises(NoProviderAvailable) as refusal:
        routing_of(*(RequestedModel((model,)) for model in models), health=health)

    assert refusal.value.retry_after_s == 2.5


def test_demands_that_leave_nobody_name_no_time() -> None:
    with pytest.raises(NoProviderAvailable) as refusal:
        routing_of(RequestedModel((model_of("a", "x"),)), only=frozenset({"nobody"}))

    assert refusal.value.retry_after_s is None


def test_the_order_of_the_models_is_the_callers_whatever_their_health() -> None:
    first, second = model_of("a", "x"), model_of("b", "y")

    routing = routing_of(
        RequestedModel((first,)),
        RequestedModel((second,)),
        health=Known({"x-a": RouteState(is_degraded=True)}),
    )

    assert _ids(routing) == ["x-a", "y-b"]


def test_by_price_the_caller_comes_first_and_our_own_cost_breaks_the_tie() -> None:
    cheap = _served("b", _route("other", cost=900), price=500)
    model = _served("a", _route("dear", cost=300), _route("cheap", cost=100, priority=1))

    routing = routing_of(RequestedModel((model, cheap), "price"))

    assert _ids(routing) == ["other-up", "cheap-up", "dear-up"]
    assert routing.candidates[0].reasons[0].startswith("price: 0.5 and 0.5 roubles")


@pytest.mark.parametrize(
    ("sort", "first"), [("latency", "quick-up"), ("throughput", "wordy-up"), ("price", "first-up")]
)
def test_a_sort_goes_by_what_was_measured(sort: Sort, first: str) -> None:
    routes = [_route(name, priority=n) for n, name in enumerate(("first", "quick", "wordy"))]
    health = Known(
        figures={
            "quick-up": Measured(9, 0, first_token_ms=120, tokens_per_s=20.0),
            "wordy-up": Measured(9, 0, first_token_ms=900, tokens_per_s=95.0),
        }
    )

    assert (
        _ids(routing_of(RequestedModel((_served("a", *routes),)), health=health, sort=sort))[0]
        == first
    )


def test_what_was_not_measured_stands_behind_what_was() -> None:
    routes = [_route("unknown"), _route("slow", priority=1)]
    health = Known(figures={"slow-up": Measured(9, 0, first_token_ms=9000)})

    routing = routing_of(RequestedModel((_served("a", *routes),)), health=health, sort="latency")

    assert _ids(routing) == ["slow-up", "unknown-up"]
    assert routing.candidates[1].reasons == ("latency: not measured of late",)


def test_a_sort_is_within_each_model_unless_the_caller_sorts_across_them() -> None:
    requested_models = [
        RequestedModel((model_of("a", "x", price=3000),)),
        RequestedModel((model_of("b", "y", price=1000),)),
    ]

    assert _ids(routing_of(*requested_models, sort="price")) == ["x-a", "y-b"]
    assert _ids(routing_of(*requested_models, sort="price", across_models=True)) == ["y-b", "x-a"]


def test_a_suffix_sorts_its_own_model_alone() -> None:
    routes = [_route("dear", cost=300), _route("cheap", cost=100, priority=1)]
    floor = RequestedModel((_served("a", *routes),), "price")

    assert _ids(routing_of(floor, sort="latency"))[0] == "cheap-up"


def test_the_order_of_providers_goes_before_any_sort() -> None:
    routes = [_route("dear", cost=300), _route("cheap", cost=100)]

    routing = routing_of(RequestedModel((_served("a", *routes),)), sort="price", order=("dear",))

    assert _ids(routing) == ["dear-up", "cheap-up"]
    assert routing.strategy == "order"


def test_one_route_behind_two_models_is_asked_once() -> None:
    route = _route("x")

    routing = routing_of(
        RequestedModel((_served("a", route),)), RequestedModel((_served("b", route),))
    )

    assert len(routing.candidates) == 1
    assert "same route" in routing.left_out[0].reason


def test_without_fallbacks_a_resting_route_gives_its_place_to_the_next() -> None:
    model = _served("a", _route("first"), _route("second", priority=1), _route("third", priority=2))

    routing = routing_of(
        RequestedModel((model,)),
        health=Known({"first-up": RouteState(rest_ms=1000)}),
        allow_fallbacks=False,
    )

    assert _ids(routing) == ["second-up"]


def test_a_request_that_fits_nobody_is_told_why() -> None:
    completion_request = order_of(messages=(Message("user", "ы" * 12_000),))

    with pytest.raises(ContextLengthExceeded):
        routing_of(RequestedModel((model_of("a", "x"),)), asked=completion_request)


def test_every_candidate_has_a_reason() -> None:
    requested_models = [
        RequestedModel((_served("a", _route("one"), _route("two")),)),
        RequestedModel((model_of("c", "x"),), "price"),
    ]

    assert all(candidate.reasons for candidate in routing_of(*requested_models).candidates)


def test_where_three_of_one_provider_come_first_the_best_of_another_is_the_third() -> None:
    models = [model_of(name, "x") for name in "abcd"]
    others = [model_of("e", "y"), model_of("f", "z")]

    routing = routing_of(*(RequestedModel((model,)) for model in (*models, *others)))

    assert _ids(routing) == ["x-a", "x-b", "y-e"]
    assert "should x fail" in routing.candidates[2].reasons[-1]
    reasons = {item.model: item.reason for item in routing.left_out}
    assert "another provider" in reasons["c"]
    assert "stand before it" in reasons["d"]
    assert "stand before it" in reasons["f"]


def test_the_order_of_providers_leaves_the_last_place_to_another_one() -> None:
    models = [_served(name, _route("x"), _route("y", priority=1)) for name in "a"]
    models += [model_of(name, "x") for name in "bcd"]
    requested_models = [RequestedModel((model,)) for model in models]

    routing = routing_of(RequestedModel(tuple(models)), order=("x",))

    assert [candidate.route.provider for candidate in routing.candidates] == ["x", "x", "y"]
    assert routing_of(*requested_models, only=frozenset({"x"})).candidates[-1].route.provider == "x"


def test_another_provider_that_cannot_serve_takes_nobodys_place() -> None:
    models = [model_of(name, "x") for name in "abc"]
    small = replace(PROFILE, context_tokens=1)

    routing = routing_of(
        *(RequestedModel((model,)) for model in models),
        RequestedModel((model_of("d", "y", profile=small),)),
        health=Known(),
    )

    assert _ids(routing) == ["x-a", "x-b", "x-c"]


def test_embeddings_take_sound_routes_first_and_none_that_rests() -> None:
    model = _served("e", _route("weak"), _route("sound", priority=1), _route("out", priority=2))
    health = Known({"weak-up": RouteState(is_degraded=True), "out-up": RouteState(rest_ms=1000)})

    assert [item.provider for item in routes_of(model, health)] == ["sound", "weak"]
    with pytest.raises(NoProviderAvailable):
        routes_of(_served("e", _route("out")), health)


def test_real_requests_move_the_choice() -> None:
    """What is noted of answers is what the router reads."""
    monitor = Monitor(None)
    quick, slow = _route("gigachat"), _route("yandexgpt", priority=1)
    model = _served("a", quick, slow)
    for provider, first_ms in (("gigachat", 3000), ("yandexgpt", 200)):
        for _ in range(5):
            monitor.note(
                note(
                    "finished",
                    f"{provider}-up",
                    provider=provider,
                    first_ms=first_ms,
                    is_streamed=True,
                )
            )

    assert _ids(routing_of(RequestedModel((model,)), health=monitor)) == [
        "gigachat-up",
        "yandexgpt-up",
    ]
    assert _ids(routing_of(RequestedModel((model,), "latency"), health=monitor)) == [
        "yandexgpt-up",
        "gigachat-up",
    ]
