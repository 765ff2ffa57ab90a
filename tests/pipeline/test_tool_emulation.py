"""A model without tools is told of them in words, and its words become calls; nobody can tell."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.emulation.tool_emulation import render_tools_as_text, with_tool_emulation
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    NamedTool,
    Tool,
    ToolCall,
    Usage,
)
from gateway.providers.tick import TICK
from tests.pipeline.wrapper_chats import (
    EMULATED,
    NATIVE,
    ScriptedModel,
    asking,
    call,
    chunks_in,
    collected,
    words,
)

WEATHER = Tool(
    "weather.get-now",
    "Погода",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TIME = Tool("get_time")
WRITTEN = '<tool_call>{"name": "weather.get-now", "arguments": {"city": "Омск"}}</tool_call>'


def emulated(model, profile=EMULATED):
    numbers = itertools.count(1)
    return with_tool_emulation(model, profile, mint_id=lambda: f"call_{next(numbers)}")


def test_tools_are_told_and_gone_from_the_request():
    result = render_tools_as_text(asking("Погода?", tools=(WEATHER, TIME), tool_choice="auto"))
    assert result.tools == ()
    assert result.tool_choice is None
    system, user = result.messages
    assert system.role == "system"
    assert user.content == "Погода?"
    for part in ('"weather.get-now"', '"get_time"', "Погода", json.dumps(WEATHER.parameters)):
        assert part in system.content


def test_the_choice_is_told():
    def system(**fields):
        return (
            render_tools_as_text(asking("x", tools=(WEATHER, TIME), **fields)).messages[0].content
        )

    assert "must call" not in system()
    assert "must call a tool" in system(tool_choice="required")
    named = system(tool_choice=NamedTool("get_time"))
    assert "must call the tool get_time" in named
    assert "weather.get-now" not in named
    assert "several" in system(parallel_tool_calls=True)
    assert "several" not in system(parallel_tool_calls=False)
    (alone,) = render_tools_as_text(asking("x", tools=(WEATHER,), tool_choice="none")).messages
    assert alone.role == "user"


def test_calls_and_results_are_retold_in_their_order():
    calls = (
        ToolCall("a", "weather.get-now", '{"city": "Омск"}'),
        ToolCall("b", "get_time", ""),
    )
    request = ChatRequest(
        (
            Message("user", "Погода и время?"),
            Message("assistant", "Смотрю.", tool_calls=calls),
            Message("tool", "-5", tool_call_id="a"),
            Message("tool", "12:05", tool_call_id="b"),
            Message("user", "Ну?"),
        )
    )
    result = render_tools_as_text(request).messages
    assert [message.role for message in result] == ["user", "assistant", "user", "user"]
    assert result[1].content == (
        f'Смотрю.\n{WRITTEN}\n<tool_call>{{"name": "get_time", "arguments": {{}}}}</tool_call>'
    )
    assert result[1].tool_calls == ()
    assert result[2].content == (
        "Result of the tool weather.get-now:\n-5\n\nResult of the tool get_time:\n12:05"
    )


def test_a_result_of_no_call_is_told_as_any_other():
    result = render_tools_as_text(ChatRequest((Message("tool", "-5", tool_call_id="a"),)))
    assert result.messages == (Message("user", "Result of a tool:\n-5"),)


def test_an_earlier_call_is_an_example_of_the_form_even_if_it_was_broken():
    broken = ToolCall("a", "f", '{"city": "Ом')
    result = render_tools_as_text(ChatRequest((Message("assistant", tool_calls=(broken,)),)))
    assert json.loads(result.messages[0].content[len("<tool_call>") : -len("</tool_call>")]) == {
        "name": "f",
        "arguments": {"arguments": '{"city": "Ом'},
    }
    assert result.messages[1] == Message("user", "Result of the tool f:\ncancelled")


def test_a_written_call_comes_as_a_call():
    model = ScriptedModel(
        [[TICK, *words("Смотрю.\n", WRITTEN[:30], WRITTEN[30:], usage=Usage(9, 4))]]
    )
    chunks = list(emulated(model)(asking("Погода?", tools=(WEATHER,))))
    assert chunks[0] == TICK
    answer = collected(chunks)
    assert answer.text == "Смотрю."
    assert answer.calls == (ToolCall("call_1", "weather.get-now", '{"city": "Омск"}'),)
    assert answer.finish_reason == "tool_calls"
    assert answer.usage == Usage(9, 4)


def test_words_stream_on():
    model = ScriptedModel([words("Столица", " России —", " Москва.")])
    chunks = chunks_in(emulated(model)(asking("x", tools=(WEATHER,))))
    assert [chunk.text for chunk in chunks] == ["Столица", " России —", " Москва.", ""]
    assert chunks[-1].finish_reason == "stop"


def test_a_model_with_tools_is_asked_natively_and_its_leaks_are_read():
    leaked = '{"name": "weather.get-now", "arguments": {"city": "Омск"}}'
    model = ScriptedModel([words(leaked)])
    request = asking("x", tools=(WEATHER,))
    answer = collected(emulated(model, NATIVE)(request))
    assert model.asked == [request]
    assert [item.name for item in answer.calls] == ["weather.get-now"]
    assert answer.finish_reason == "tool_calls"


def test_native_calls_stay_as_they_are():
    model = ScriptedModel([call("weather.get-now", '{"city": "Омск"}')])
    answer = collected(emulated(model, NATIVE)(asking("x", tools=(WEATHER,))))
    assert answer.calls == (ToolCall("call_native", "weather.get-now", '{"city": "Омск"}'),)


@pytest.mark.parametrize("profile", [NATIVE, EMULATED])
def test_where_no_tool_is_offered_nothing_is_read_as_a_call(profile):
    request = asking("x", tools=(WEATHER,), tool_choice="none")
    answer = collected(emulated(ScriptedModel([words(WRITTEN)]), profile)(request))
    assert (answer.text, answer.calls, answer.finish_reason) == (WRITTEN, (), "stop")


def test_a_cut_call_ends_for_its_length():
    model = ScriptedModel([words("Смотрю. ", WRITTEN[:-20], finish="length")])
    answer = collected(emulated(model)(asking("x", tools=(WEATHER,))))
    assert (answer.text, answer.calls, answer.finish_reason) == ("Смотрю.", (), "length")


def test_a_filtered_answer_makes_no_call():
    model = ScriptedModel([words(WRITTEN, finish="content_filter")])
    answer = collected(emulated(model)(asking("x", tools=(WEATHER,))))
    assert (answer.calls, answer.finish_reason) == ((), "content_filter")


def test_a_departure_closes_the_answer():
    model = ScriptedModel([words("Столица", " России")])
    chunks = emulated(model)(asking("x", tools=(WEATHER,)))
    next(chunks)
    chunks.close()
    assert model.open_answers == 0


@given(
    text=st.sampled_from(
        [
            "Столица России — Москва.",
            f"Смотрю.\n\n{WRITTEN}",
            f"```json\n{WRITTEN}\n```",
            f"{WRITTEN}\n{WRITTEN}\nГотово.",
            f"{WRITTEN[:-25]}",
            '```json\n{"city": "Омск"}\n```',
        ]
    ),
    cuts=st.sets(st.integers(1, 160), max_size=8),
)
def test_plain_and_streamed_answers_are_the_same(text, cuts):
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    request = asking("x", tools=(WEATHER,))
    plain = emulated(ScriptedModel([[ChatChunk(text=text, finish_reason="stop")]]))(request)
    streamed = emulated(ScriptedModel([words(*pieces)]))(request._replace(stream=True))
    assert collected(plain) == collected(streamed)
