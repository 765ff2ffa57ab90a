"""Who is asked, in which order, and why the others are not."""

from decimal import Decimal

import pytest

from gateway.catalog.snapshot import CatalogModel
from gateway.pipeline.errors import (
    ContextLengthExceeded,
    InvalidParameter,
    NoProviderAvailable,
    UnsupportedContent,
)
from gateway.pipeline.request import CompletionRequest, Preferences
from gateway.pipeline.routing.router import MAX_CANDIDATES
from gateway.providers.chat_types import Image, Message, Role
from gateway.providers.profile import ModelProfile, ParameterRange
from tests.pipeline.routing_orders import model_of, order_of, routing_of


def _asked(completion_request: CompletionRequest, *models: CatalogModel) -> list[str]:
    return [
        candidate.route.upstream_id
        for candidate in routing_of(completion_request, *models).candidates
    ]


def test_models_are_tried_in_order_each_through_its_providers() -> None:
    a, b = model_of("a", "x", "y"), model_of("b", "x")

    assert _asked(order_of(), a, b) == ["x-a", "y-a", "x-b"]


def test_three_candidates_at_most() -> None:
    models = [model_of(name, "x", "y") for name in "abcd"]

    assert len(_asked(order_of(), *models)) == MAX_CANDIDATES == 3


@pytest.mark.parametrize(
    ("preferences", "asked"),
    [
        (Preferences(order=("y",)), ["y-a", "x-a", "z-a"]),
        (Preferences(order=("y",), allow_fallbacks=False), ["y-a"]),
        (Preferences(allow_fallbacks=False), ["x-a"]),
        (Preferences(only=frozenset({"z"})), ["z-a"]),
        (Preferences(ignore=frozenset({"x"})), ["y-a", "z-a"]),
        (Preferences(order=("nobody", "z")), ["z-a", "x-a", "y-a"]),
    ],
)
def test_preferences_order_and_narrow_the_providers(
    preferences: Preferences, asked: list[str]
) -> None:
    assert _asked(order_of(preferences=preferences), model_of("a", "x", "y", "z")) == asked


@pytest.mark.parametrize(
    "preferences",
    [
        Preferences(only=frozenset({"nobody"})),
        Preferences(ignore=frozenset({"x"})),
        Preferences(max_prompt_price=Decimal("0.5")),
        Preferences(max_completion_price=Decimal("0.999")),
        Preferences(order=("nobody",), allow_fallbacks=False),
    ],
)
def test_demands_that_leave_nobody_are_told(preferences: Preferences) -> None:
    with pytest.raises(NoProviderAvailable):
        routing_of(order_of(preferences=preferences), model_of("a", "x"))


def test_a_price_at_the_limit_is_within_it() -> None:
    preferences = Preferences(max_prompt_price=Decimal(1), max_completion_price=Decimal(1))

    assert _asked(order_of(preferences=preferences), model_of("a", "x")) == ["x-a"]


def test_required_parameters_leave_out_who_does_not_honour_them() -> None:
    able = ModelProfile(1000, 100, {"top_p": ParameterRange(0, 1)})
    completion_request = order_of(top_p=0.5, preferences=Preferences(require_parameters=True))

    assert _asked(completion_request, model_of("a", "x"), model_of("b", "y", profile=able)) == [
        "y-b"
    ]
    with pytest.raises(NoProviderAvailable, match="top_p"):
        routing_of(completion_request, model_of("a", "x"))


def test_privacy_that_a_provider_cannot_give_leaves_it_out() -> None:
    talkative = ModelProfile(1000, 100)

    with pytest.raises(NoProviderAvailable, match="data_collection"):
        routing_of(order_of(data_collection="deny"), model_of("a", "x", profile=talkative))


def test_pictures_need_eyes() -> None:
    messages = (Message("user", "?"), Message("user", "", images=(Image(b"1", "image/png"),)))

    with pytest.raises(UnsupportedContent) as refusal:
        routing_of(order_of(messages=messages), model_of("a", "x"))

    assert refusal.value.param == "messages[1].content"


@pytest.mark.parametrize(("contents", "is_batch"), [(("", " \n"), False), (("Привет", " "), True)])
def test_blanks_alone_go_to_a_provider_that_takes_them(
    contents: tuple[str, ...], is_batch: bool
) -> None:
    messages = tuple(Message("user", content) for content in contents)
    completion_request = order_of(messages=messages, is_batch=is_batch)

    assert _asked(completion_request, model_of("a", "yandexgpt"), model_of("b", "x")) == ["x-b"]
    with pytest.raises(InvalidParameter) as refusal:
        routing_of(completion_request, model_of("a", "yandexgpt"))
    assert refusal.value.param == "messages"


@pytest.mark.parametrize("roles", [("system",), ("system", "system")])
def test_empty_system_messages_alone_are_nothing_to_ask_any_provider(
    roles: tuple[Role, ...],
) -> None:
    messages = tuple(Message(role, "") for role in roles)

    with pytest.raises(InvalidParameter) as refusal:
        routing_of(order_of(messages=messages), model_of("a", "x"))

    assert refusal.value.param == "messages"


def test_a_picture_alone_is_no_blank_prompt() -> None:
    seeing = ModelProfile(1000, 100, images=True, wire="openai")
    messages = (Message("user", "", images=(Image(b"1", "image/png"),)),)

    assert _asked(order_of(messages=messages), model_of("a", "yandexgpt", profile=seeing)) == [
        "yandexgpt-a"
    ]


def test_a_tools_empty_result_is_no_blank_prompt() -> None:
    messages = (Message("user", ""), Message("tool", "", tool_call_id="lost"))

    assert _asked(order_of(messages=messages), model_of("a", "yandexgpt")) == ["yandexgpt-a"]


def test_a_prompt_that_cannot_fit_is_refused_with_both_figures() -> None:
    messages = (Message("user", "ы" * 12_000),)

    with pytest.raises(ContextLengthExceeded, match=r"1000 tokens.* 2000 tokens"):
        routing_of(order_of(messages=messages), model_of("a", "x"))


@pytest.mark.parametrize("n", [1, 3])
def test_middle_out_makes_it_fit_and_says_so(n: int) -> None:
    messages = tuple(Message("user", "ы" * 1000) for _ in range(12))

    (candidate,) = routing_of(
        order_of(messages=messages, middle_out=True, n=n), model_of("a", "x")
    ).candidates

    assert len(candidate.request.messages) < 12
    assert len(set(map(id, candidate.request.messages))) == len(candidate.request.messages)
    assert candidate.request.n == n
    assert [str(change) for change in candidate.adapted] == ["messages=rewritten"]


def test_several_choices_are_honoured_by_every_model() -> None:
    preferences = Preferences(require_parameters=True)
    completion_request = order_of(n=3, strict=True, preferences=preferences)

    (candidate,) = routing_of(completion_request, model_of("a", "x")).candidates

    assert (candidate.request.n, candidate.adapted) == (3, ())


def test_adaptations_are_named_and_strict_forbids_them() -> None:
    (candidate,) = routing_of(order_of(temperature=1.5, seed=3), model_of("a", "x")).candidates

    assert [str(change) for change in candidate.adapted] == ["temperature=clamped", "seed=ignored"]
    with pytest.raises(InvalidParameter) as refusal:
        routing_of(order_of(temperature=1.5, strict=True), model_of("a", "x"))
    assert refusal.value.param == "temperature"


def test_strict_forbids_a_field_that_means_nothing_and_names_its_path() -> None:
    completion_request = order_of(strict=True)._replace(ignored=("tools[0].function.foo",))

    with pytest.raises(InvalidParameter, match="foo=ignored") as refusal:
        routing_of(completion_request, model_of("a", "x"))

    assert refusal.value.param == "tools[0].function.foo"
