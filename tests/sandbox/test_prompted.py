"""Tools and schemas that stand in the words of a prompt, as a gateway that emulates them writes."""

import json
from typing import Any

import pytest

from sandbox.core.json_schema import is_valid
from tests.sandbox.chats import say

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOL = {"name": "get_weather", "description": "Погода в городе", "parameters": PARAMETERS}
WRAPPED_TOOLS = json.dumps([{"type": "function", "function": TOOL}], ensure_ascii=False)
TOOLS = json.dumps({"tools": [TOOL]}, ensure_ascii=False)
CALL = {"name": "get_weather", "arguments": {"city": "Москва"}}


@pytest.mark.parametrize("tools", [WRAPPED_TOOLS, TOOLS], ids=["wrapped", "plain"])
def test_a_call_is_written_where_its_subject_comes_up(tools: str) -> None:
    system = f"You have these tools:\n{tools}\nTo call one, answer with JSON."
    assert json.loads(say("Какая погода в Москве?", system=system)) == CALL
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(say("Расскажи анекдот", system=system))


def test_tags_around_the_form_are_kept() -> None:
    system = f'Tools: {TOOLS}\n<tool_call>{{"name": "x", "arguments": {{}}}}</tool_call>'
    text = say("Какая погода в Москве?", system=system)
    assert text.startswith("<tool_call>{")
    assert text.endswith("}</tool_call>")


@pytest.mark.parametrize(
    "order",
    ["You must call a tool.", "Ты обязан вызвать инструмент.",
     "You must call the tool get_weather."],
)  # fmt: skip
def test_a_demand_to_call_is_obeyed(order: str) -> None:
    system = f"Tools: {TOOLS}\n{order}"
    assert json.loads(say("Расскажи анекдот", system=system))["name"] == "get_weather"


def test_a_named_tool_is_called_among_several() -> None:
    other = {"name": "get_time", "description": "Время", "parameters": PARAMETERS}
    system = f"Tools: {json.dumps([TOOL, other])}\nYou must call the tool get_time."
    assert json.loads(say("Расскажи анекдот", system=system))["name"] == "get_time"


def test_a_result_in_words_is_passed_on() -> None:
    system = f"Tools: {TOOLS}"
    result = 'Result of get_weather: {"t": -5}'
    text = say("Какая погода в Москве?", json.dumps(CALL), result, system=system)
    assert '{"t": -5}' in text
    assert not text.startswith("{")


def test_a_new_question_after_a_result_brings_a_new_call() -> None:
    system = f"Tools: {TOOLS}"
    text = say(
        "Какая погода в Москве?", json.dumps(CALL), "Result of get_weather: {}", "Ясно.",
        "А какая погода в Омске?", system=system,
    )  # fmt: skip
    assert json.loads(text)["arguments"] == {"city": "Омск"}


@pytest.mark.parametrize("how", ["wrong_name", "missing", "truncated", "fences", "prose"])
def test_an_unruly_call_is_mended_after_it_was_rejected(how: str) -> None:
    system = f"Tools: {TOOLS}"
    asked = f"Какая погода в Москве? sandbox:unruly={how}"
    bad = say(asked, system=system)
    assert bad != json.dumps(CALL, ensure_ascii=False)
    repair = "Ошибка: такого инструмента нет или аргументы неверны. Исправь вызов."
    if how in ("wrong_name", "missing", "truncated"):
        assert json.loads(say(asked, bad, repair, system=system)) == CALL


@pytest.mark.parametrize(
    "intro",
    ["Answer only with JSON that fits this JSON Schema:", "Ответь только JSON по схеме:",
     "Schema:", "Return valid JSON. Schema:"],
)  # fmt: skip
def test_a_schema_in_the_prompt_is_kept_to(intro: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}}}
    text = say("Сколько? JSON", system=f"{intro}\n```json\n{json.dumps(schema)}\n```")
    assert is_valid(json.loads(text), {**schema, "required": ["n"]})


def test_a_schema_in_the_question_is_kept_to() -> None:
    asked = f"Погода в Москве? Ответь JSON по схеме {json.dumps(PARAMETERS)}"
    assert json.loads(say(asked)) == {"city": "Москва"}


def test_json_may_be_asked_for_without_a_schema() -> None:
    system = "Respond only with a valid JSON object."
    assert json.loads(say("Столица России?", system=system)) == {
        "answer": "Столица России — Москва."
    }


def test_talk_about_json_is_no_demand_for_it() -> None:
    assert say("Чем хорош JSON?").startswith("Вы написали")
