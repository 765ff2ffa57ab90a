"""Fitting a request to a route: what is left is honoured, and what is gone is named."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.catalog.snapshot import CatalogRoute, LiveCatalogue
from gateway.pipeline.routing.adaptation import adapt, render, unsupported
from gateway.providers.chat_types import (
    ChatRequest,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from gateway.providers.profile import ModelProfile, ParameterRange

HELLO = ChatRequest(messages=(Message("user", "Привет"),))
TOOLS = (Tool("weather"),)
BARE = ModelProfile(context_tokens=1000, max_output_tokens=100)
GIGACHAT = replace(
    BARE,
    parameters={
        "max_tokens": ParameterRange(minimum=1),
        "temperature": ParameterRange(minimum=0, maximum=2, exclusive_minimum=True),
        "top_p": ParameterRange(minimum=0, maximum=1),
        "repetition_penalty": ParameterRange(minimum=0, maximum=2, exclusive_minimum=True),
    },
    tools="native",
    tool_choice_required="emulated",
    json_object="emulated",
    json_schema="emulated",
)
YANDEX = replace(
    BARE,
    parameters={
        "max_tokens": ParameterRange(minimum=1),
        "temperature": ParameterRange(minimum=0, maximum=1),
        "reasoning_effort": ParameterRange(choices=("low", "high")),
    },
    tools="native",
    tool_choice_required="native",
    parallel_tool_calls=True,
    json_object="native",
    json_schema="native",
)
MEANINGFUL: dict[str, list[Any]] = {
    "max_tokens": [1, 50, 10**9],
    "temperature": [0.0, 0.5, 1.5, 2.0, 2.5],
    "top_p": [0.0, 0.5],
    "top_k": [5],
    "min_p": [0.1],
    "seed": [0, 7],
    "stop": [("конец",)],
    "frequency_penalty": [-1.0, 2.0],
    "presence_penalty": [0.5],
    "repetition_penalty": [0.5, 1.1, 3.0],
    "logit_bias": [{"1": 5.0}],
    "logprobs": [True],
    "top_logprobs": [3],
    "n": [2],
    "reasoning_effort": ["low", "high"],
    "tools": [TOOLS],
    "tool_choice": ["required", NamedTool("weather")],
    "parallel_tool_calls": [True],
    "response_format": [ResponseFormat("json_object"), ResponseFormat("json_schema", schema={})],
}
NEUTRAL: dict[str, list[Any]] = {
    "top_p": [1.0],
    "top_k": [0],
    "min_p": [0.0],
    "stop": [()],
    "frequency_penalty": [0.0],
    "presence_penalty": [0.0],
    "repetition_penalty": [1.0],
    "logit_bias": [{}],
    "logprobs": [False],
    "top_logprobs": [0],
    "n": [1],
    "tool_choice": ["auto", "none"],
    "parallel_tool_calls": [True, False],
    "response_format": [ResponseFormat("text")],
}
UNTOUCHED = {"messages", "stream", "data_collection", "session_id", "is_batch"}


def asking(field: str, value: Any) -> ChatRequest:
    return HELLO._replace(**{field: value})


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in table.items() for value in values]


def chat_routes() -> list[CatalogRoute]:
    models = LiveCatalogue().current().models()
    return [route for model in models if model.kind == "chat" for route in model.routes]


def honours(request: ChatRequest, profile: ModelProfile, field: str) -> bool:
    """Say, apart from the code under test, whether the profile takes the field as it stands."""
    value = getattr(request, field)
    if value == getattr(HELLO, field):
        return True
    match field:
        case "tools" | "tool_choice":
            if profile.tools == "none":
                return False
            return value != "required" or profile.tool_choice_required != "none"
        case "parallel_tool_calls":
            return value is False or profile.parallel_tool_calls
        case "response_format":
            return {
                "text": "native",
                "json_object": profile.json_object,
                "json_schema": profile.json_schema,
            }[value.kind] != "none"
    limits = profile.parameters.get(field)
    if limits is None:
        return False
    if limits.choices:
        return value in limits.choices
    low, high = limits.minimum, limits.maximum
    if field == "max_tokens":
        high = profile.max_output_tokens
    is_above = low is None or value > low or (value == low and not limits.exclusive_minimum)
    return is_above and (high is None or value <= high)


def test_the_tables_above_speak_of_every_field() -> None:
    assert set(MEANINGFUL) | UNTOUCHED == set(ChatRequest._fields)


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "value"), cases(MEANINGFUL))
def test_on_every_seeded_route_what_is_left_is_honoured_and_what_is_gone_is_named(
    field: str, value: Any
) -> None:
    request = asking(field, value)
    if field in {"tool_choice", "parallel_tool_calls"}:
        request = request._replace(tools=TOOLS)
    for route in chat_routes():
        adapted, adaptations = adapt(request, route.profile)

        named = {adaptation.parameter for adaptation in adaptations}
        for slot in ChatRequest._fields:
            assert slot in UNTOUCHED or honours(adapted, route.profile, slot), (route, slot)
        if field == "temperature" and value == 0 and adapted.temperature is None:
            assert adapted.top_p == 0
            assert named == set()
        else:
            assert (getattr(adapted, field) != value) == (named == {field}), route
        assert adapt(adapted, route.profile) == (adapted, ())


@pytest.mark.parametrize(("field", "value"), cases(NEUTRAL))
def test_a_value_that_changes_nothing_is_dropped_without_a_word(field: str, value: Any) -> None:
    adapted, adaptations = adapt(asking(field, value), BARE)

    assert adaptations == ()
    assert unsupported(asking(field, value), BARE) == []
    assert field == "response_format" or adapted == HELLO


@pytest.mark.parametrize(("field", "value"), cases(MEANINGFUL))
def test_a_model_without_any_parameter_ignores_all_and_says_so(field: str, value: Any) -> None:
    request = asking(field, value)

    if field == "parallel_tool_calls":  # it says nothing where no tools are offered
        assert unsupported(request, BARE) == []
    else:
        assert render(adapt(request, BARE)[1]) == f"{field}=ignored"
        assert unsupported(request, BARE) == [field]
    assert adapt(request, BARE)[0] == HELLO


def test_messages_stream_data_collection_and_session_are_untouched() -> None:
    request = HELLO._replace(stream=True, data_collection="deny", session_id="7")

    assert adapt(request, BARE) == (request, ())


@pytest.mark.parametrize(
    ("temperature", "sent"), [(1.5, 1.0), (2.0, 1.0), (2, 1.0), (1.0, 1.0), (0, 0), (-0.5, 0.0)]
)
def test_a_temperature_out_of_range_is_clamped_and_named(temperature: float, sent: float) -> None:
    adapted, adaptations = adapt(asking("temperature", temperature), YANDEX)

    assert adapted.temperature == sent
    assert render(adaptations) == ("" if temperature == sent else "temperature=clamped")
    assert unsupported(asking("temperature", temperature), YANDEX) == []


def test_a_bound_that_is_no_whole_number_survives_a_whole_temperature() -> None:
    profile = replace(BARE, parameters={"temperature": ParameterRange(maximum=1.5)})

    assert adapt(asking("temperature", 2), profile)[0].temperature == 1.5


def test_temperature_zero_becomes_the_deterministic_mode_where_zero_is_out_of_range() -> None:
    adapted, adaptations = adapt(asking("temperature", 0.0), GIGACHAT)

    assert (adapted.temperature, adapted.top_p) == (None, 0.0)
    assert adaptations == ()


@pytest.mark.parametrize(("top_p", "text"), [(0.9, "top_p=ignored"), (0.0, ""), (1.0, "")])
def test_the_deterministic_mode_overrules_top_p(top_p: float, text: str) -> None:
    request = HELLO._replace(temperature=0.0, top_p=top_p)

    adapted, adaptations = adapt(request, GIGACHAT)

    assert (adapted.temperature, adapted.top_p) == (None, 0.0)
    assert render(adaptations) == text
    assert unsupported(request, GIGACHAT) == []


def test_temperature_zero_without_top_p_is_the_least_there_is() -> None:
    limits = ParameterRange(minimum=0, maximum=2, exclusive_minimum=True)
    profile = replace(BARE, parameters={"temperature": limits})

    adapted, adaptations = adapt(asking("temperature", 0.0), profile)

    assert adapted.temperature == 0.001
    assert render(adaptations) == "temperature=clamped"


@pytest.mark.parametrize(("asked", "sent"), [(100, 100), (101, 100), (10**9, 100)])
def test_max_tokens_is_clamped_to_what_the_model_writes(asked: int, sent: int) -> None:
    adapted, adaptations = adapt(asking("max_tokens", asked), GIGACHAT)

    assert adapted.max_tokens == sent
    assert isinstance(adapted.max_tokens, int)
    assert render(adaptations) == ("" if asked == sent else "max_tokens=clamped")


def test_a_routes_own_bound_of_max_tokens_holds_when_it_is_lower() -> None:
    profile = replace(BARE, parameters={"max_tokens": ParameterRange(minimum=1, maximum=40)})

    assert adapt(asking("max_tokens", 90), profile)[0].max_tokens == 40


def test_an_effort_the_model_does_not_know_is_ignored() -> None:
    adapted, adaptations = adapt(asking("reasoning_effort", "medium"), YANDEX)

    assert adapted.reasoning_effort is None
    assert render(adaptations) == "reasoning_effort=ignored"


def test_a_parameter_the_pipeline_emulates_stays() -> None:
    request = HELLO._replace(stop=("конец",), seed=1)

    adapted, adaptations = adapt(request, GIGACHAT, frozenset({"stop"}))

    assert adapted.stop == ("конец",)
    assert render(adaptations) == "seed=ignored"
    assert unsupported(request, GIGACHAT, frozenset({"stop"})) == ["seed"]


@pytest.mark.parametrize(
    "wanted", [ResponseFormat("json_object"), ResponseFormat("json_schema", schema={})]
)
def test_a_stop_sequence_that_would_cut_json_is_ignored_and_named(wanted: ResponseFormat) -> None:
    request = HELLO._replace(stop=("конец",), response_format=wanted)

    for profile in (GIGACHAT, YANDEX):
        adapted, adaptations = adapt(request, profile, frozenset({"stop"}))
        assert adapted == HELLO._replace(response_format=wanted)
        assert render(adaptations) == "stop=ignored"
        assert unsupported(request, profile, frozenset({"stop"})) == ["stop"]


def test_a_stop_sequence_that_the_model_itself_honours_stays_beside_json() -> None:
    request = HELLO._replace(stop=("конец",), response_format=ResponseFormat("json_object"))

    assert adapt(request, replace(YANDEX, parameters={"stop": ParameterRange()})) == (request, ())


def test_a_stop_sequence_stays_where_the_answer_is_no_json() -> None:
    emulated = frozenset({"stop"})
    request = HELLO._replace(stop=("конец",), response_format=ResponseFormat("text"))
    assert adapt(request, YANDEX, emulated) == (request, ())

    adapted, adaptations = adapt(
        request._replace(response_format=ResponseFormat("json_object")), BARE, emulated
    )

    assert adapted.stop == ("конец",)
    assert render(adaptations) == "response_format=ignored"


def test_one_call_a_turn_keeps_the_promise_of_no_parallel_calls() -> None:
    request = HELLO._replace(tools=TOOLS, parallel_tool_calls=False)

    assert adapt(request, GIGACHAT)[1] == ()
    assert unsupported(request, GIGACHAT) == []


def test_parallel_calls_of_a_model_of_one_call_are_named() -> None:
    request = HELLO._replace(tools=TOOLS, parallel_tool_calls=True)

    adapted, adaptations = adapt(request, GIGACHAT)

    assert adapted == HELLO._replace(tools=TOOLS)
    assert render(adaptations) == "parallel_tool_calls=ignored"


def test_tools_go_with_all_that_speaks_of_them() -> None:
    request = HELLO._replace(tools=TOOLS, tool_choice="auto", parallel_tool_calls=True)

    adapted, adaptations = adapt(request, BARE)

    assert adapted == HELLO
    assert render(adaptations) == "tools=ignored"


@pytest.mark.parametrize(
    ("choice", "sent", "text"),
    [
        ("required", "auto", "tool_choice=ignored"),
        ("auto", "auto", ""),
        ("none", "none", ""),
        (NamedTool("weather"), NamedTool("weather"), ""),
    ],
)
def test_a_choice_that_cannot_be_forced_is_left_to_the_model(
    choice: ToolChoice, sent: ToolChoice, text: str
) -> None:
    request = HELLO._replace(tools=TOOLS, tool_choice=choice)

    adapted, adaptations = adapt(request, replace(BARE, tools="native"))

    assert adapted.tool_choice == sent
    assert render(adaptations) == text


def test_adaptations_are_named_in_the_order_of_the_request() -> None:
    request = HELLO._replace(
        response_format=ResponseFormat("json_object"), temperature=1.7, n=3, seed=1
    )
    profile = replace(YANDEX, json_object="none")

    assert (
        render(adapt(request, profile)[1])
        == "temperature=clamped, seed=ignored, n=ignored, response_format=ignored"
    )


@pytest.mark.parametrize(("asked", "sent"), [(None, "none"), ("high", "high"), ("max", "high")])
def test_a_model_that_thinks_unless_told_not_to_is_told_without_a_word(
    asked: Any, sent: str
) -> None:
    efforts = ParameterRange(choices=("none", "low", "high"))
    thinker = replace(BARE, parameters={"reasoning_effort": efforts}, reasoning_off="none")

    adapted, adaptations = adapt(HELLO._replace(reasoning_effort=asked), thinker)

    assert (adapted.reasoning_effort, adaptations) == (sent, ())
