"""What the sandbox's model says in a small conversation, and how it misbehaves when asked to."""

import json
from typing import Any

import pytest

from sandbox.core.conversation import OfferedTool
from sandbox.core.json_schema import is_valid
from sandbox.core.tokens import count_tokens, split_words
from tests.sandbox.chats import reply, say

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TOOL = OfferedTool("get_forecast", "Weather forecast", SCHEMA)
ASKED = "Прогноз погоды в Казани на 3 дня"
REPAIR = "Ответ не прошёл проверку: отсутствует поле city. Исправь и ответь снова."


def test_greetings_are_returned_in_their_language() -> None:
    assert say("Привет!").startswith("Здравствуйте")
    assert say("Hello there").startswith("Hello")


def test_anything_else_is_mentioned_in_several_sentences() -> None:
    text = say("Расскажи о рыбалке на Байкале")
    assert "рыбалке на Байкале" in text
    assert len(split_words(text)) > 10


def test_the_same_conversation_gets_the_same_reply() -> None:
    assert reply("Расскажи о рыбалке") == reply("Расскажи о рыбалке")


def test_markers_are_never_quoted() -> None:
    assert "sandbox:" not in say("Расскажи sandbox:slow=0.1 о рыбалке sandbox:429")


@pytest.mark.parametrize("tokens", [1, 7, 500])
def test_a_long_answer_has_the_tokens_asked_for(tokens: int) -> None:
    assert count_tokens(say(f"sandbox:long={tokens}")) == tokens


def test_the_limit_holds_unless_it_is_to_be_disregarded() -> None:
    cut = reply("sandbox:long=50", max_tokens=10)
    assert (count_tokens(cut.text), cut.finish) == (10, "length")
    whole = reply("sandbox:long=50!", max_tokens=10)
    assert (count_tokens(whole.text), whole.finish) == (50, "stop")


def test_an_answer_just_as_long_as_the_limit_is_whole() -> None:
    assert reply("sandbox:long=10", max_tokens=10).finish == "stop"


def test_a_call_that_does_not_fit_is_not_made() -> None:
    cut = reply(ASKED, tools=(TOOL,), max_tokens=3)
    assert (cut.calls, cut.finish) == ((), "length")


def test_a_reply_may_be_empty() -> None:
    assert reply("sandbox:empty").text == ""


def test_a_tool_is_called_when_its_subject_comes_up() -> None:
    (call,) = reply(ASKED, tools=(TOOL,)).calls
    assert call.name == "get_forecast"
    assert call.arguments == {"city": "Казань", "days": 3}
    assert reply("Как дела?", tools=(TOOL,)).calls == ()
    assert reply("Use get_forecast for Oslo", tools=(TOOL,)).calls


def test_a_tool_that_no_object_fits_is_called_with_nothing() -> None:
    tool = OfferedTool(TOOL.name, TOOL.description, {"enum": ["Казань"]})
    (call,) = reply(ASKED, tools=(tool,)).calls
    assert call.arguments == {}


@pytest.mark.parametrize("how", ["fences", "prose", "truncated", "missing", "wrong_name"])
def test_an_unruly_answer_breaks_the_schema_once(how: str) -> None:
    asked = f"{ASKED} sandbox:unruly={how}"
    bad = say(asked, schema=SCHEMA)
    assert not fits(bad)
    assert fits(say(asked, bad, REPAIR, schema=SCHEMA))
    assert json.loads(say(asked, bad, REPAIR, schema=SCHEMA)) == {"city": "Казань", "days": 3}


def test_a_fence_and_chatter_hold_the_good_json() -> None:
    for how in ("fences", "prose"):
        text = say(f"{ASKED} sandbox:unruly={how}", schema=SCHEMA)
        assert fits(text[text.index("{") : text.rindex("}") + 1])


def test_an_unruly_model_with_an_exclamation_mark_never_learns() -> None:
    asked = f"{ASKED} sandbox:unruly=truncated!"
    assert not fits(say(asked, "{", REPAIR, schema=SCHEMA))


def test_repeat_asks_to_be_asked_twice() -> None:
    asked = f"{ASKED} sandbox:repeat"
    assert not fits(say(asked, schema=SCHEMA))
    assert fits(say(asked, "{}", REPAIR, schema=SCHEMA))


def test_an_unruly_call_names_no_tool_or_lacks_an_argument() -> None:
    (renamed,) = reply(f"{ASKED} sandbox:unruly=wrong_name", tools=(TOOL,)).calls
    assert renamed.name != TOOL.name
    (short,) = reply(f"{ASKED} sandbox:unruly=missing", tools=(TOOL,)).calls
    assert not is_valid(short.arguments, SCHEMA)
    assert reply(f"{ASKED} sandbox:unruly=error", tools=(TOOL,)).finish == "error"


def fits(text: str) -> bool:
    try:
        return is_valid(json.loads(text), SCHEMA)
    except ValueError:
        return False


@pytest.mark.parametrize(
    "piece",
    ["[", "{", '{"a": ', "(", "1+", "1 ", "((+", " ", "\n", "count from ", "say ", "in ", "<a> ",
     "sandbox:", "tool: ", "- a\n", "ab", "'\"", "Москва ", "must call ", '{"type": "object"} '],
)  # fmt: skip
@pytest.mark.timeout(120)  # what is not linear in the text's length takes hours
def test_a_hostile_text_is_answered(piece: str) -> None:
    text = f"JSON tools {piece * (300_000 // len(piece))}"
    assert reply(text, text, text, system=text)


def test_no_marker_exhausts_the_process() -> None:
    assert len(say(f"sandbox:long={'9' * 5000}!")) < 1_000_000
    assert count_tokens(say("sandbox:long=999999999!")) == 100_000
