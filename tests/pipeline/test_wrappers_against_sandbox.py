"""Layers, real adapters and the sandbox's model together: orderly, unruly, plain and streamed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.pipeline.emulation.schema_validation import check_schema, fault_of
from gateway.pipeline.emulation.structured_output import StructuredOutputInvalid
from gateway.providers.chat_types import (
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
)
from tests.pipeline.sandbox_routes import ROUTES, Routes, running_routes
from tests.pipeline.wrapper_chats import asking, collected

SCHEMAS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("tool_schemas.json").read_text(encoding="utf-8")
)
WEATHER = Tool(
    "get_weather",
    "Погода в городе",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
TRAINS = Tool("find_trains", "Поезда между городами", {"type": "object", "properties": {}})
CITY = ResponseFormat(
    "json_schema",
    schema={
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
        "additionalProperties": False,
    },
    name="city",
    strict=True,
)
MENDABLE = ("fences", "prose", "missing", "truncated")


@pytest.fixture(scope="module")
def routes() -> Iterator[Routes]:
    with running_routes() as running:
        yield running


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("published", SCHEMAS, ids=lambda published: published["name"])
def test_a_published_tool_is_called_with_arguments_that_fit(
    published: dict[str, Any], name: str, routes: Routes
) -> None:
    tool = Tool(**published)
    check_schema(tool.parameters, "tools[0].function.parameters")
    answer = collected(
        routes[name](
            asking("Город Казань, 12 дней", tools=(tool,), tool_choice=NamedTool(tool.name))
        )
    )
    (call,) = answer.calls
    assert call.name == tool.name
    assert answer.finish_reason == "tool_calls"
    jsonschema.Draft202012Validator(tool.parameters).validate(json.loads(call.arguments))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("how", MENDABLE)
def test_a_spoilt_call_comes_mended(how: str, name: str, stream: bool, routes: Routes) -> None:
    request = asking(
        f"Какая погода в Москве? sandbox:unruly={how}", tools=(WEATHER, TRAINS), stream=stream
    )
    answer = collected(routes[name](request))
    (call,) = answer.calls
    assert call.name == "get_weather"
    assert json.loads(call.arguments) == {"city": "Москва"}
    assert call.id.startswith("call_")
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize("name", ROUTES)
def test_a_call_that_stays_unfit_is_passed_on(name: str, routes: Routes) -> None:
    request = asking("Какая погода в Москве? sandbox:unruly=missing!", tools=(WEATHER,))
    answer = collected(routes[name](request))
    (call,) = answer.calls
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {})


@pytest.mark.parametrize("name", ROUTES)
def test_a_call_of_a_tool_that_was_not_offered_is_passed_on(name: str, routes: Routes) -> None:
    request = asking("Какая погода в Москве? sandbox:unruly=wrong_name!", tools=(WEATHER,))
    answer = collected(routes[name](request))
    (call,) = answer.calls
    assert call.name != "get_weather"
    assert json.loads(call.arguments) == {"city": "Москва"}
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ROUTES)
def test_words_come_as_words(name: str, stream: bool, routes: Routes) -> None:
    request = asking("Столица России?", tools=(WEATHER,), stream=stream)
    answer = collected(routes[name](request))
    assert answer.text == "Столица России — Москва."
    assert not answer.calls
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("name", ROUTES)
def test_a_demanded_call_comes_also_when_the_model_would_rather_talk(
    name: str, routes: Routes
) -> None:
    request = asking("Столица России?", tools=(WEATHER, TRAINS), tool_choice="required")
    answer = collected(routes[name](request))
    assert answer.calls
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize("name", ROUTES)
def test_results_travel_back(name: str, routes: Routes) -> None:
    received = asking("Какая погода в Москве?", tools=(WEATHER,))
    called = Message(
        "assistant", tool_calls=(ToolCall("call_1", "get_weather", '{"city": "Москва"}'),)
    )
    result = Message("tool", '{"t": -5}', tool_call_id="call_1")
    request = asking("", tools=(WEATHER,))
    request = type(request)(messages=(*received.messages, called, result), tools=(WEATHER,))
    answer = collected(routes[name](request))
    assert "-5" in answer.text
    assert not answer.calls


@pytest.mark.parametrize("name", ["yandexgpt", "yandexgpt in words", "gigachat in words"])
def test_two_calls_come_in_one_turn_unless_one_was_wanted(name: str, routes: Routes) -> None:
    question = "Какая погода в Москве и Париже?"
    both = collected(routes[name](asking(question, tools=(WEATHER,))))
    assert [json.loads(call.arguments)["city"] for call in both.calls] == ["Москва", "Париж"]
    assert len({call.id for call in both.calls}) == 2
    first = collected(routes[name](asking(question, tools=(WEATHER,), parallel_tool_calls=False)))
    assert len(first.calls) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("how", [None, *MENDABLE, "fences!", "prose!"])
def test_an_answer_fits_its_schema(
    how: str | None, name: str, stream: bool, routes: Routes
) -> None:
    text = "Казань, 1300000 жителей" + (f" sandbox:unruly={how}" if how else "")
    request = asking(text, response_format=CITY, stream=stream)
    answer = collected(routes[name](request))
    assert json.loads(answer.text) == {"city": "Казань", "people": 1_300_000}
    assert not answer.calls
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("how", ["missing!", "truncated!"])
def test_an_answer_that_stays_invalid_never_leaves(how: str, name: str, routes: Routes) -> None:
    request = asking(f"Казань, 1300000 жителей sandbox:unruly={how}", response_format=CITY)
    with pytest.raises(StructuredOutputInvalid):
        collected(routes[name](request))


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("how", [None, "fences", "prose", "truncated"])
def test_any_object_will_do_where_no_schema_is_given(
    how: str | None, name: str, routes: Routes
) -> None:
    text = "Столица России?" + (f" sandbox:unruly={how}" if how else "")
    answer = collected(routes[name](asking(text, response_format=ResponseFormat("json_object"))))
    assert isinstance(json.loads(answer.text), dict)


@pytest.mark.parametrize("name", ROUTES)
def test_tools_and_a_schema_go_together(name: str, routes: Routes) -> None:
    fields: dict[str, Any] = {"tools": (WEATHER,), "response_format": CITY}
    called = collected(routes[name](asking("Какая погода в Москве?", **fields)))
    assert [call.name for call in called.calls] == ["get_weather"]
    result = collected(routes[name](asking("Казань, 1300000 жителей", **fields)))
    assert CITY.schema is not None
    assert fault_of(json.loads(result.text), CITY.schema) is None


@pytest.mark.parametrize("name", ROUTES)
def test_a_cut_document_says_that_it_was_cut(name: str, routes: Routes) -> None:
    request = asking("Казань, 1300000 жителей", response_format=CITY, max_tokens=5)
    answer = collected(routes[name](request))
    assert answer.finish_reason == "length"


@pytest.mark.parametrize("name", ROUTES)
def test_what_a_filter_refuses_is_not_asked_for_again(name: str, routes: Routes) -> None:
    routes.sandbox.requests.clear()
    request = asking("Казань sandbox:filter", response_format=CITY)
    answer = collected(routes[name](request))
    assert answer.finish_reason == "content_filter"
