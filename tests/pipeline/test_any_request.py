"""Any well-formed OpenAI request is taken by each provider's strict emulator, or refused by a field's name."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.api.schema.chat_request import read_completion_request
from gateway.catalog.seed import SEED_FILE
from gateway.pipeline.emulation.structured_output import StructuredOutputInvalid
from gateway.pipeline.emulation.tool_checking import ToolCallInvalid
from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.pipeline.errors import RequestRefused
from gateway.pipeline.routing.adaptation import adapt
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers.errors import UnsupportedInput
from gateway.providers.profile import ModelProfile, read_profile
from tests.pipeline.sandbox_routes import Routes, running_routes
from tests.pipeline.wrapper_chats import collected, route

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
SAID = TEXTS.filter(str.strip)
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": SAID}), min_size=1, max_size=3
)
NAMES = st.sampled_from(["get-weather", "a.b", "find_all", "Поиск", "text2image", "x" * 64])
SCHEMAS = st.sampled_from(
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        {
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/A"},
                "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            },
            "$defs": {"A": {"type": "object", "properties": {"c": {"type": "array", "items": {}}}}},
            "required": ["a"],
        },
    ]
)
TOOLS = st.lists(
    st.fixed_dictionaries({"name": NAMES, "description": TEXTS, "parameters": SCHEMAS}),
    max_size=3,
    unique_by=lambda function: function["name"],
).map(lambda functions: [{"type": "function", "function": function} for function in functions])
ROLES = st.sampled_from(["system", "developer", "user"])


def _said(role: str, content: Any) -> list[Any]:
    return [{"role": role, "content": content}]


def _called(name: str, count: int, result: str) -> list[Any]:
    """Write a round of tool calls with their results."""
    functions = [{"name": name, "arguments": json.dumps({"i": index})} for index in range(count)]
    calls = [
        {"id": f"call_{name}_{index}", "type": "function", "function": function}
        for index, function in enumerate(functions)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


TURN = st.one_of(
    st.builds(_said, ROLES, st.one_of(SAID, PARTS)),
    st.builds(_said, st.just("assistant"), SAID),
    st.builds(_called, NAMES, st.integers(1, 3), SAID),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "max_tokens": st.integers(1, 60),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "repetition_penalty": st.floats(0, 2),
        "seed": st.integers(-(2**63), 2**63 - 1),
        "stop": st.lists(SAID, min_size=1, max_size=4),
        "logit_bias": st.dictionaries(st.sampled_from(["1", "2"]), st.integers(-100, 100)),
        "logprobs": st.booleans(),
        "stream": st.booleans(),
        "tools": TOOLS,
        "tool_choice": st.sampled_from(["none", "auto", "required"]),
        "parallel_tool_calls": st.booleans(),
        "reasoning_effort": st.sampled_from(["low", "medium", "high", "minimal", "none"]),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        "user": st.just("u1"),
    },
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    turns = draw(st.lists(TURN, min_size=1, max_size=5))
    messages = [message for turn in turns for message in turn]
    last = {"role": "user", "content": draw(SAID)}
    return {"model": "m", "messages": [*messages, last]} | draw(OPTIONS)


def _profile(name: str, **sizes: int) -> ModelProfile:
    """Read a profile as the catalogue is seeded with it."""
    return read_profile(tomllib.loads(SEED_FILE.read_text())["profiles"][name], **sizes)


@pytest.fixture(scope="module")
def routes() -> Iterator[Routes]:
    with running_routes() as running:
        yield running


@pytest.mark.parametrize(
    ("provider", "upstream_id", "profile"),
    [("gigachat", "GigaChat-2", "gigachat"), ("yandexgpt", "yandexgpt/latest", "yandexgpt")],
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=bodies())
def test_any_request_is_taken_or_refused_by_name(
    routes: Routes, provider: str, upstream_id: str, profile: str, body: dict[str, Any]
) -> None:
    model = _profile(profile, context_tokens=32_768, max_output_tokens=8192)
    asked = route(getattr(routes, provider), upstream_id)

    refused_field: str | None = "none was"
    try:
        request, _ = adapt(
            read_completion_request(body, is_strict=False).request, model, EMULATED_PARAMETERS
        )
        collected(with_wrappers(asked, model, provider=provider)(request))
    except (RequestRefused, UnsupportedInput) as refusal:
        refused_field = refusal.param
    except (StructuredOutputInvalid, ToolCallInvalid):
        return  # the sandbox's model knows no better; its wire took the request
    assert refused_field
