"""Calls leave only when they fit, or after one more try; what was tried costs the caller nothing."""

from typing import Any

import pytest

from gateway.pipeline.emulation.tool_checking import ToolCallInvalid
from gateway.providers.chat_types import (
    ChatChunk,
    NamedTool,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.errors import ProviderRateLimited, ProviderRejected
from gateway.providers.tick import TICK
from tests.pipeline.wrapper_chats import (
    EMULATED,
    HALF_NATIVE,
    NATIVE,
    ScriptedModel,
    asking,
    call,
    chunks_in,
    collected,
    layered,
    words,
)

WEATHER = Tool(
    "get_weather",
    "Погода",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TIME = Tool("current_time")
GOOD, UNFIT = '{"city":"Омск"}', '{"town":"Омск"}'
FEW, MANY = Usage(100, 7), Usage(160, 9)


def asked_of(model: ScriptedModel, profile: Any = NATIVE, **fields: Any) -> Any:
    fields.setdefault("tools", (WEATHER, TIME))
    return collected(layered(model, profile)(asking("Погода?", **fields)))


def test_a_good_call_passes_as_it_is():
    model = ScriptedModel([call("get_weather", GOOD, FEW)])
    answer = asked_of(model)
    assert answer.calls == (ToolCall("call_native", "get_weather", GOOD),)
    assert answer.usage == FEW
    assert len(model.asked) == 1


def test_words_do_not_wait_for_a_call():
    model = ScriptedModel([[TICK, *words("Столица", " России")]])
    tick, *chunks = layered(model, NATIVE)(asking("x", tools=(WEATHER,)))
    assert tick is TICK
    assert [chunk.text for chunk in chunks_in(chunks)] == ["Столица", " России", ""]


def test_words_before_a_call_do_not_wait_but_the_call_does():
    delta = ToolCallDelta(0, "c", "get_weather", GOOD)
    model = ScriptedModel(
        [
            [
                ChatChunk(text="Смотрю."),
                ChatChunk(tool_calls=(delta,)),
                ChatChunk(finish_reason="tool_calls", usage=FEW),
            ]
        ]
    )
    first, second = layered(model, NATIVE)(asking("x", tools=(WEATHER,)))
    assert first == ChatChunk(text="Смотрю.")
    assert second == ChatChunk(tool_calls=(delta,), finish_reason="tool_calls", usage=FEW)


@pytest.mark.parametrize(
    ("arguments", "told"), [(UNFIT, UNFIT), ('{"city": "Ом', "{}"), ("[]", "{}"), ("null", "{}")]
)
def test_a_call_that_does_not_fit_is_made_again(arguments, told):
    model = ScriptedModel([call("get_weather", arguments, FEW), call("get_weather", GOOD, MANY)])
    answer = asked_of(model)
    assert answer.calls == (ToolCall("call_native", "get_weather", GOOD),)
    assert answer.usage == Usage(100, 9)
    assert not answer.has_invalid_calls
    again = model.asked[1]
    assert again.tool_choice == NamedTool("get_weather")
    assert [message.role for message in again.messages] == ["user", "assistant", "tool"]
    assert again.messages[1].tool_calls == (ToolCall("call_native", "get_weather", told),)
    assert again.messages[2].tool_call_id == "call_native"
    assert again.messages[2].content.startswith("Error: ")


@pytest.mark.parametrize("worse", ['{"town":"Тула"}', '{"city": "Ту', "[]", ""])
def test_a_call_that_stays_unfit_is_passed_on_as_the_model_made_it_and_marked(worse):
    model = ScriptedModel([call("get_weather", UNFIT, FEW), call("get_weather", worse, MANY)])
    answer = asked_of(model)
    assert [item.arguments for item in answer.calls] == [worse]
    assert answer.has_invalid_calls
    assert len(model.asked) == 2


@pytest.mark.parametrize(
    "second",
    [
        words("Не знаю.", usage=MANY),
        call("nonsense", "{}", MANY),
        [ProviderRateLimited("busy", provider="p")],
        [ProviderRejected("too long", provider="p", status=400)],
    ],
    ids=["words", "an unknown tool", "a busy provider", "a refusal"],
)
def test_an_unfit_call_outlives_a_repair_that_fails(second):
    model = ScriptedModel([call("get_weather", UNFIT, FEW), second])
    answer = asked_of(model)
    assert answer.calls == (ToolCall("call_native", "get_weather", UNFIT),)
    assert answer.has_invalid_calls
    assert answer.usage == FEW


@pytest.mark.parametrize("name", ["rm_rf", "get_weather_now", "web_browser.open"])
@pytest.mark.parametrize("arguments", ["{}", '{"a'])
@pytest.mark.parametrize("choice", [None, "auto", "required"])
def test_a_call_of_a_tool_that_was_not_offered_is_the_callers(name, arguments, choice):
    model = ScriptedModel([call(name, arguments, FEW)])
    answer = asked_of(model, tool_choice=choice)
    assert answer.calls == (ToolCall("call_native", name, arguments),)
    assert (answer.finish_reason, answer.usage) == ("tool_calls", FEW)
    assert not answer.has_invalid_calls


def test_a_model_that_cannot_call_may_turn_to_words():
    model = ScriptedModel([call("", "{}", FEW), words("Такого не умею.", usage=MANY)])
    answer = asked_of(model)
    assert (answer.text, answer.calls, answer.finish_reason) == ("Такого не умею.", (), "stop")
    assert answer.usage == Usage(100, 9)


def test_a_provider_that_refuses_the_repair_is_not_the_callers_fault():
    model = ScriptedModel(
        [call("", "{}"), [ProviderRejected("too long", provider="p", status=400)]]
    )
    with pytest.raises(ToolCallInvalid) as caught:
        asked_of(model)
    assert not caught.value.retryable
    assert caught.value.provider == "p"
    assert model.open_answers == 0


def test_a_busy_provider_in_the_repair_lets_another_try():
    model = ScriptedModel([call("", "{}"), [ProviderRateLimited("busy", provider="p")]])
    with pytest.raises(ProviderRateLimited):
        asked_of(model)


def test_a_named_tool_that_is_never_called_is_an_error():
    model = ScriptedModel([call("current_time", "{}"), call("rm_rf", "{}")])
    with pytest.raises(ToolCallInvalid):
        asked_of(model, tool_choice=NamedTool("get_weather"))


def test_a_demanded_call_is_demanded_again():
    model = ScriptedModel([words("Сейчас.", usage=FEW), call("get_weather", GOOD, MANY)])
    answer = asked_of(model, tool_choice="required")
    assert answer.text == ""
    assert answer.calls
    assert "get_weather, current_time" in model.prompt
    assert answer.usage == Usage(100, 9)


def test_a_demanded_call_that_never_comes_is_an_error_before_any_word():
    model = ScriptedModel([words("Сейчас."), words("Ещё немного.")])
    chunks = layered(model, NATIVE)(asking("x", tools=(WEATHER,), tool_choice="required"))
    with pytest.raises(ToolCallInvalid):
        list(chunks)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_cut_answer_owes_no_call(finish):
    model = ScriptedModel([words("Сей", finish=finish)])
    answer = asked_of(model, tool_choice="required")
    assert (answer.text, answer.finish_reason) == ("Сей", finish)


@pytest.mark.parametrize("choice", [None, "required", NamedTool("get_weather")])
def test_a_call_that_max_tokens_cut_is_not_made_again(choice):
    delta = ToolCallDelta(0, "call_native", "get_weather", '{"city": "Ом')
    cut = [ChatChunk(tool_calls=(delta,), finish_reason="length", usage=FEW)]
    model = ScriptedModel([cut, call("get_weather", GOOD, MANY)])
    answer = asked_of(model, tool_choice=choice)
    assert [item.arguments for item in answer.calls] == ['{"city": "Ом']
    assert (answer.finish_reason, answer.usage) == ("length", FEW)
    assert answer.has_invalid_calls
    assert len(model.asked) == 1


def test_what_a_filter_says_is_not_too_long_for_max_tokens():
    model = ScriptedModel([words("Об этом я не говорю. " * 20, finish="content_filter")])
    answer = asked_of(model, tool_choice="required", max_tokens=1)
    assert answer.finish_reason == "content_filter"


def test_the_named_tool_is_the_only_one_that_counts():
    model = ScriptedModel([call("current_time", "{}"), call("get_weather", GOOD)])
    answer = asked_of(model, tool_choice=NamedTool("get_weather"))
    assert [item.name for item in answer.calls] == ["get_weather"]


def test_a_model_that_knows_no_demand_is_told_in_words():
    model = ScriptedModel([call("get_weather", GOOD)])
    asked_of(model, HALF_NATIVE, tool_choice="required")
    assert model.asked[0].messages[0].role == "system"
    assert "must call" in model.asked[0].messages[0].content


def test_a_demand_for_the_only_tool_names_it():
    model = ScriptedModel([call("get_weather", GOOD)])
    asked_of(model, HALF_NATIVE, tool_choice="required", tools=(WEATHER,))
    assert model.asked[0].tool_choice == NamedTool("get_weather")
    assert len(model.asked[0].messages) == 1


def test_a_model_that_knows_the_demand_is_told_natively():
    model = ScriptedModel([call("get_weather", GOOD)])
    asked_of(model, NATIVE, tool_choice="required")
    assert model.asked[0].tool_choice == "required"
    assert len(model.asked[0].messages) == 1


def test_of_several_calls_all_are_made_again_when_one_was_wrong():
    both = [
        ChatChunk(
            tool_calls=(
                ToolCallDelta(0, "a", "get_weather", GOOD),
                ToolCallDelta(1, "b", "get_weather", UNFIT),
            ),
            finish_reason="tool_calls",
        )
    ]
    model = ScriptedModel([both, call("get_weather", GOOD)])
    asked_of(model)
    again = model.asked[1]
    assert again.tool_choice == "required"
    assert [message.tool_call_id for message in again.messages[2:]] == ["a", "b"]


def test_no_more_calls_leave_than_were_wanted():
    deltas = tuple(ToolCallDelta(i, f"c{i}", "get_weather", GOOD) for i in range(3))
    model = ScriptedModel([[ChatChunk(tool_calls=deltas, finish_reason="tool_calls")]])
    assert len(asked_of(model, parallel_tool_calls=False).calls) == 1


def test_a_written_call_that_cannot_be_read_is_written_again():
    good = '<tool_call>{"name": "get_weather", "arguments": {"city": "Омск"}}</tool_call>'
    model = ScriptedModel([words('<tool_call>{"na', usage=FEW), words(good, usage=MANY)])
    answer = asked_of(model, EMULATED)
    assert [item.name for item in answer.calls] == ["get_weather"]
    assert model.asked[1].messages[-2].content == '{"na'
    assert "no tool call that can be read" in model.prompt


def test_a_written_call_that_stays_unreadable_is_an_error():
    model = ScriptedModel([words('<tool_call>{"na')] * 2)
    with pytest.raises(ToolCallInvalid):
        asked_of(model, EMULATED)


def test_a_written_call_that_is_cut_behind_its_name_is_passed_on_and_marked():
    cut = '{"name": "get_weather", "arguments": {"ci'
    answer = asked_of(ScriptedModel([words(f"<tool_call>{cut}")] * 2), EMULATED)
    assert [(item.name, item.arguments) for item in answer.calls] == [("get_weather", '{"ci')]
    assert answer.has_invalid_calls


def test_arguments_of_a_tool_without_a_schema_are_any_object():
    model = ScriptedModel([call("current_time", '{"zone":"МСК"}')])
    assert asked_of(model).calls[0].arguments == '{"zone":"МСК"}'


def test_a_departure_closes_what_is_open():
    model = ScriptedModel([[TICK, *call("get_weather", GOOD)]])
    chunks = layered(model, NATIVE)(asking("x", tools=(WEATHER,)))
    assert next(chunks) == TICK
    chunks.close()
    assert model.open_answers == 0


def test_what_stays_open_behind_a_call_is_not_waited_for():
    model = ScriptedModel([[*call("get_weather", GOOD), TICK, ChatChunk(text="нет")]])
    answer = asked_of(model)
    assert (answer.text, len(answer.calls)) == ("", 1)
    assert model.open_answers == 0


def test_endless_words_instead_of_a_call_are_left():
    model = ScriptedModel([[ChatChunk(text="а" * 1000)] * 50])
    answer = asked_of(model, tool_choice="required", max_tokens=10)
    assert answer.finish_reason == "length"
    assert len(answer.text) < 4000
    assert model.open_answers == 0


@pytest.mark.parametrize("choice", [None, "required", NamedTool("get_weather")])
def test_a_model_may_refuse_to_call(choice):
    model = ScriptedModel([[ChatChunk(refusal="Не могу."), *words(usage=FEW)]])
    answer = asked_of(model, tool_choice=choice)
    assert (answer.refusal, answer.calls, answer.usage) == ("Не могу.", (), FEW)
    assert len(model.asked) == 1


def test_a_refusal_instead_of_a_repaired_call_leaves():
    again = [ChatChunk(refusal="Не могу."), *words(usage=MANY)]
    model = ScriptedModel([words("Вот погода.", usage=FEW), again])
    assert asked_of(model, tool_choice="required").refusal == "Не могу."


def test_long_numbers_of_a_tool_are_compared_to_the_digit():
    account = {"enum": [40817810099910004312, 40817810099910004313]}
    tool = Tool("pay", "", {"type": "object", "properties": {"account": account}})
    wrong, good = '{"account": 40817810099910004314}', '{"account": 40817810099910004313}'
    model = ScriptedModel([call("pay", wrong), call("pay", good)])
    assert asked_of(model, tools=(tool,)).calls[0].arguments == good
