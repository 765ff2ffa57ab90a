"""What the document says of a chat request is what the edge takes and refuses."""

from typing import Any, get_args

import pytest

from gateway.api.schema.chat_request import Effort, read_completion_request
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import Sort
from tests.api.documented import DOCUMENT, check

SCHEMAS = DOCUMENT["components"]["schemas"]
PROPERTIES: dict[str, dict[str, Any]] = SCHEMAS["ChatCompletionRequest"]["properties"]
NUMBERS = sorted(name for name, schema in PROPERTIES.items() if "minimum" in schema)
TEXTS = sorted(name for name, schema in PROPERTIES.items() if "maxLength" in schema)
CHAT = DOCUMENT["paths"]["/v1/chat/completions"]["post"]
REQUEST_EXAMPLES = CHAT["requestBody"]["content"]["application/json"]["examples"]
EFFORTS = get_args(Effort)
HELLO = [{"role": "user", "content": "Привет"}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}

SAMPLES: dict[str, list[Any]] = {
    "transforms": [[], ["middle-out"]],
    "messages": [HELLO, [*HELLO, {"role": "assistant", "content": None, "refusal": "Нет."}]],
    "models": ["yandexgpt", ["yandexgpt", "gigachat-2"]],
    "provider": [
        {"order": ["YandexGPT"], "only": "yandexgpt", "ignore": [], "sort": {"by": "price"}},
        {"allow_fallbacks": False, "require_parameters": True, "data_collection": "deny"},
        {"zdr": True},
        {"max_price": {"prompt": "0.5", "completion": 900}},
        *({"sort": sort} for sort in get_args(Sort)),
    ],
    "route": ["fallback"],
    "stream": [True, False],
    "stream_options": [{"include_usage": True}],
    "usage": [{"include": False}],
    "stop": ["\n", ["а", "б"]],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": True}},
    ],
    "logit_bias": [{"50256": -100, "7": 100, "8": None}],
    "logprobs": [True],
    "reasoning_effort": list(EFFORTS),
    "reasoning": [
        {"exclude": True, "enabled": False},
        *({"effort": effort} for effort in EFFORTS),
    ],
    "prompt": ["я", ["раз", "два"]],
    "metadata": [{"ticket": "17"}],
    "tools": [[TOOL]],
    "tool_choice": ["none", "auto"],
    "parallel_tool_calls": [False],
    "functions": [[TOOL["function"]]],
    "function_call": ["none", "auto"],
}
BESIDE: dict[str, dict[str, Any]] = {
    "stream_options": {"stream": True},
    "tool_choice": {"tools": [TOOL]},
    "parallel_tool_calls": {"tools": [TOOL]},
    "function_call": {"functions": [TOOL["function"]]},
}
"""What a field has no effect without."""


def body(**fields: Any) -> dict[str, Any]:
    start = {"model": "gigachat-2"} | ({} if "prompt" in fields else {"messages": HELLO})
    return start | fields


def beyond(name: str) -> list[Any]:
    """Return values just outside of what the schema allows."""
    schema = PROPERTIES[name]
    if name in NUMBERS:
        return [schema["minimum"] - 1, schema["maximum"] + 1]
    return ["я" * (schema["maxLength"] + 1)]


def within(name: str) -> list[Any]:
    """Return values at the bounds of what the schema allows."""
    schema = PROPERTIES[name]
    if name in NUMBERS:
        return [schema["minimum"], schema["maximum"]]
    return ["я" * schema.get("minLength", 1), "я" * schema["maxLength"]]


def test_every_field_is_tried_here() -> None:
    assert sorted([*SAMPLES, *NUMBERS, *TEXTS]) == sorted(PROPERTIES)


@pytest.mark.parametrize("name", sorted(REQUEST_EXAMPLES))
def test_the_edge_takes_the_examples_as_they_are(name: str) -> None:
    example = REQUEST_EXAMPLES[name]

    assert read_completion_request(example["value"], is_strict=True).ignored == ()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_documented_value_is_taken(name: str) -> None:
    for value in SAMPLES[name]:
        request = body(**{name: value}, **BESIDE.get(name, {}))
        check(request, "ChatCompletionRequest")
        assert read_completion_request(request, is_strict=False).ignored == ()


@pytest.mark.parametrize("name", NUMBERS + TEXTS)
def test_the_bounds_are_those_of_the_edge(name: str) -> None:
    for value in within(name):
        assert read_completion_request(body(**{name: value}), is_strict=False).ignored == ()
    for value in beyond(name):
        with pytest.raises(InvalidParameter) as refusal:
            read_completion_request(body(**{name: value}), is_strict=False)
        assert refusal.value.param == name


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_null_is_documented_where_it_is_taken(name: str) -> None:
    request = {"models": ["gigachat-2"]} | body() | {name: None}
    if name == "messages":
        request["prompt"] = "?"

    check(request, "ChatCompletionRequest")
    assert read_completion_request(request, is_strict=False).ignored == ()


@pytest.mark.parametrize("name", ["models", "prompt", "stop"])
def test_a_list_is_as_long_as_the_document_says(name: str) -> None:
    [longest] = [form["maxItems"] for form in PROPERTIES[name]["anyOf"] if "maxItems" in form]

    read_completion_request(body(**{name: ["а"] * longest}), is_strict=False)
    with pytest.raises(InvalidParameter):
        read_completion_request(body(**{name: ["а"] * (longest + 1)}), is_strict=False)
