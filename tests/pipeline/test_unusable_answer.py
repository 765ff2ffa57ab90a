"""What is told of an answer that nobody can use, and what it is said to have used."""

from typing import Any

import pytest

from gateway.pipeline.emulation.answer import WholeAnswer
from gateway.pipeline.emulation.schema_validation import broken_keyword
from gateway.pipeline.emulation.unusable_answer import UnusableAnswer, usage_of
from gateway.providers.chat_types import NamedTool, ResponseFormat, Tool, Usage
from tests.pipeline.wrapper_chats import (
    EMULATED,
    NATIVE,
    ScriptedModel,
    asking,
    call,
    collected,
    layered,
    words,
)

SECRET = "Капитал"
SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"$ref": "#/$defs/n"}},
    "additionalProperties": False,
    "$defs": {"n": {"type": "integer", "maximum": 3}},
}
TOOL = Tool("count", "", {"type": "object", "properties": {"n": {"type": "integer"}}})


@pytest.mark.parametrize("profile", [NATIVE, EMULATED])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"response_format": ResponseFormat("json_object")}, SECRET),
        ({"response_format": ResponseFormat("json_object")}, f'["{SECRET}"]'),
        ({"response_format": ResponseFormat("json_schema", schema=SHAPE)}, f'{{"{SECRET}": 1}}'),
        (
            {"response_format": ResponseFormat("json_schema", schema=SHAPE)},
            f'{{"n": "{SECRET}"}}',
        ),
        ({"tools": (TOOL,), "tool_choice": "required"}, SECRET),
    ],
)
def test_no_word_of_the_models_is_told(fields: dict[str, Any], text: str, profile: Any) -> None:
    model = ScriptedModel([words(text, usage=Usage(10, 5))] * 3)
    with pytest.raises(UnusableAnswer) as caught:
        collected(layered(model, profile)(asking("x", **fields)))
    assert SECRET not in f"{caught.value.message}{caught.value.raw}"
    assert (caught.value.usage.prompt_tokens, caught.value.usage.completion_tokens) == (20, 10)


def test_a_call_of_another_tool_than_the_demanded_one_is_not_told() -> None:
    model = ScriptedModel([call(SECRET, f'{{"a": "{SECRET}"}}', Usage(10, 5))] * 2)
    with pytest.raises(UnusableAnswer) as caught:
        collected(
            layered(model, NATIVE)(asking("x", tools=(TOOL,), tool_choice=NamedTool("count")))
        )
    assert SECRET not in f"{caught.value.message}{caught.value.raw}"
    assert caught.value.message.endswith("its call names no tool that it may call.")


def test_the_place_in_the_schema_is_told() -> None:
    assert broken_keyword({"n": 4}, SHAPE) == "properties/n/maximum"
    assert broken_keyword({"m": 4}, SHAPE) == "additionalProperties"
    assert broken_keyword({"n": 3}, SHAPE) == ""


def test_what_the_provider_has_not_counted_is_estimated() -> None:
    request = asking("Сколько?")
    counted, lost = WholeAnswer("да", usage=Usage(10, 5, cached_tokens=2)), WholeAnswer("нет")
    assert usage_of((request, counted), (request, counted)) == Usage(20, 10, cached_tokens=4)
    used = usage_of((request, counted), (request, lost))
    assert (used.source, used.prompt_tokens > 10, used.completion_tokens > 5) == (
        "estimated",
        True,
        True,
    )
