"""How `xrouter/auto` chooses, and that it can say why."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.catalog.snapshot import CatalogModel
from gateway.health.routes import RouteState
from gateway.health.windows import Measured
from gateway.pipeline.errors import UnsupportedContent
from gateway.pipeline.request import CompletionRequest, RequestedModel, Sort
from gateway.pipeline.routing.router import Routing, choose
from gateway.providers.chat_types import ChatRequest, Image, Message, ResponseFormat, Tool
from gateway.providers.profile import ModelProfile, ParameterRange
from tests.pipeline.known_health import Known
from tests.pipeline.routing_orders import model_of, order_of

ABLE = ModelProfile(
    context_tokens=1000,
    max_output_tokens=100,
    tools="native",
    json_schema="native",
    images=True,
)
TALKER = ModelProfile(context_tokens=1000, max_output_tokens=100)
PICTURE = Image(b"1", "image/png")


def _auto(
    *models: CatalogModel,
    completion_request: CompletionRequest | None = None,
    health: Any = None,
    sort: Sort | None = None,
) -> Routing:
    requested = RequestedModel(models, sort, is_auto=True)
    return choose(completion_request or order_of(), [requested], health or Known())


def _names(routing: Routing) -> list[str]:
    return [candidate.model.id for candidate in routing.candidates]


def test_of_equals_the_cheapest_answers() -> None:
    routing = _auto(model_of("dear", "x", price=4000), model_of("cheap", "y", price=1000))

    assert _names(routing) == ["cheap", "dear"]
    assert routing.strategy == "auto"


def test_a_slow_model_loses_to_a_quick_one_that_costs_more() -> None:
    models = model_of("cheap", "x", price=1000), model_of("dear", "y", price=2000)
    slow = Known(
        figures={
            "x-cheap": Measured(9, 0, first_token_ms=8000),
            "y-dear": Measured(9, 0, first_token_ms=500),
        }
    )
    even = Known(figures=dict.fromkeys(("x-cheap", "y-dear"), Measured(9, 0, first_token_ms=500)))

    assert _names(_auto(*models, health=even)) == ["cheap", "dear"]
    assert _names(_auto(*models, health=slow)) == ["dear", "cheap"]
    reasons = _auto(*models, health=slow).candidates[1].reasons
    assert any(reason.startswith("latency -4.0: ") for reason in reasons)


def test_a_model_that_fails_loses_to_one_that_does_not() -> None:
    models = model_of("cheap", "x", price=1000), model_of("dear", "y", price=2000)

    routing = _auto(*models, health=Known(figures={"x-cheap": Measured(10, 5)}))

    assert _names(routing) == ["dear", "cheap"]


def test_a_weak_route_loses_to_a_sound_one() -> None:
    models = model_of("cheap", "x", price=1000), model_of("dear", "y", price=2000)

    routing = _auto(*models, health=Known({"x-cheap": RouteState(is_degraded=True)}))

    assert _names(routing) == ["dear", "cheap"]


@pytest.mark.parametrize(
    "demand",
    [
        {"messages": (Message("user", "?", images=(PICTURE,)),)},
        {"tools": (Tool("look"),)},
        {"response_format": ResponseFormat("json_schema", {"type": "object"})},
    ],
    ids=["pictures", "tools", "schema"],
)
def test_what_a_request_demands_leaves_out_who_cannot(demand: dict[str, Any]) -> None:
    able = model_of("able", "x", price=9000, profile=ABLE)
    talker = model_of("talker", "y", price=1000, profile=TALKER)

    routing = _auto(talker, able, completion_request=order_of(**demand))

    assert _names(routing) == ["able"]
    assert [item.model for item in routing.left_out] == ["talker"]


def test_native_tools_are_worth_a_doubling_of_the_price_and_no_more() -> None:
    emulating = replace(ABLE, tools="emulated")
    completion_request = order_of(tools=(Tool("look"),))

    def first(price: int) -> str:
        native = model_of("native", "x", price=price, profile=ABLE)
        return _names(
            _auto(
                native,
                model_of("other", "y", profile=emulating),
                completion_request=completion_request,
            )
        )[0]

    assert (first(1900), first(2100)) == ("native", "other")


def test_pictures_that_nobody_sees_are_refused_as_ever() -> None:
    completion_request = order_of(messages=(Message("user", "?", images=(PICTURE,)),))

    with pytest.raises(UnsupportedContent):
        _auto(model_of("talker", "x", profile=TALKER), completion_request=completion_request)


def test_tools_that_nobody_calls_are_ignored_and_named() -> None:
    [candidate] = _auto(
        model_of("talker", "x", profile=TALKER), completion_request=order_of(tools=(Tool("look"),))
    ).candidates

    assert [str(change) for change in candidate.adapted] == ["tools=ignored"]


@pytest.mark.parametrize(
    ("text", "first"), [("Почему небо голубое?", "local"), ("Why is the sky blue?", "foreign")]
)
def test_a_russian_prompt_prefers_a_russian_maker(text: str, first: str) -> None:
    local = replace(model_of("local", "x", price=1100), owned_by="sber")
    foreign = model_of("foreign", "y", price=1000)

    assert (
        _names(
            _auto(local, foreign, completion_request=order_of(messages=(Message("user", text),)))
        )[0]
        == first
    )


def test_a_prompt_that_fills_a_context_prefers_a_longer_one() -> None:
    long = replace(model_of("long", "x", price=2000), context_tokens=9000)
    long = replace(
        long, routes=(replace(long.routes[0], profile=replace(TALKER, context_tokens=9000)),)
    )
    completion_request = order_of(messages=(Message("user", "ы" * 4000),))

    assert (
        _names(
            _auto(model_of("short", "y", price=1000), long, completion_request=completion_request)
        )[0]
        == "long"
    )


def test_the_price_is_that_of_this_request_not_of_a_token() -> None:
    """A long prompt makes the price of prompts weigh more."""
    models = []
    for name, prompt_nano, completion_nano in (("a", 1000, 3000), ("b", 3000, 1000)):
        model = model_of(name, name)
        assert model.price is not None
        models.append(
            replace(
                model,
                price=replace(
                    model.price, prompt_nano=prompt_nano, completion_nano=completion_nano
                ),
            )
        )
    short = order_of(messages=(Message("user", "?"),), max_tokens=90)
    long = order_of(messages=(Message("user", "z" * 2700),), max_tokens=10)

    assert (
        _names(_auto(*models, completion_request=short))[0],
        _names(_auto(*models, completion_request=long))[0],
    ) == (
        "b",
        "a",
    )


def test_one_choice_is_of_another_provider() -> None:
    models = [model_of(name, "x", price=1000 + n) for n, name in enumerate("abc")]

    routing = _auto(*models, model_of("far", "y", price=8000))

    assert _names(routing) == ["a", "b", "far"]


def test_the_best_of_another_provider_that_fits_is_a_choice_though_its_best_does_not() -> None:
    models = [model_of(name, "x", price=1000 + n) for n, name in enumerate("abc")]
    short = model_of("short", "y", price=1100, profile=replace(TALKER, context_tokens=1))

    routing = _auto(*models, short, model_of("far", "y", price=8000))

    assert _names(routing) == ["a", "b", "far"]


def test_a_suffix_takes_the_place_of_the_rules() -> None:
    models = model_of("cheap", "x", price=1000), model_of("quick", "y", price=5000)
    health = Known(
        figures={
            "x-cheap": Measured(9, 0, first_token_ms=9000, tokens_per_s=5.0),
            "y-quick": Measured(9, 0, first_token_ms=400, tokens_per_s=90.0),
        }
    )

    assert _names(_auto(*models, health=health, sort="price"))[0] == "cheap"
    assert _names(_auto(*models, health=health, sort="throughput"))[0] == "quick"


def test_a_resting_model_is_not_among_the_choices() -> None:
    routing = _auto(
        model_of("a", "x"), model_of("b", "y"), health=Known({"x-a": RouteState(rest_ms=100)})
    )

    assert _names(routing) == ["b"]


def test_a_request_without_words_is_no_riddle() -> None:
    request = ChatRequest((Message("assistant", ""),))

    assert _names(
        _auto(model_of("a", "x"), completion_request=CompletionRequest(request, ("a",)))
    ) == ["a"]


def test_where_reasoning_is_asked_for_a_model_that_reasons_wins_over_one_twice_as_cheap() -> None:
    efforts = {"reasoning_effort": ParameterRange(choices=("low", "high"))}
    thinker = model_of("thinker", "x", price=2000, profile=replace(TALKER, parameters=efforts))
    talker = model_of("talker", "y", price=1000, profile=TALKER)

    assert _names(_auto(thinker, talker)) == ["talker", "thinker"]
    asked = order_of(reasoning_effort="high")
    assert _names(_auto(thinker, talker, completion_request=asked)) == ["thinker", "talker"]
