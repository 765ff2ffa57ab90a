"""What was asked for as JSON leaves as valid JSON or not at all."""

import json
from typing import Any

import pytest

from gateway.pipeline.emulation.structured_output import StructuredOutputInvalid
from gateway.providers.chat_types import (
    ChatChunk,
    NamedTool,
    ResponseFormat,
    TokenLogprob,
    Tool,
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

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["n"],
    "additionalProperties": False,
}
NUMBER = ResponseFormat("json_schema", schema=SCHEMA, name="number", strict=True)
LIST = ResponseFormat("json_schema", schema={"type": "array", "items": {"type": "integer"}})
OBJECT = ResponseFormat("json_object")
TOOL = Tool("get_n", "", {"type": "object", "properties": {}})
FEW, MANY = Usage(100, 7), Usage(160, 9)


def asked_of(model: ScriptedModel, profile: Any = NATIVE, **fields: Any) -> Any:
    fields.setdefault("response_format", NUMBER)
    return collected(layered(model, profile)(asking("Сколько?", **fields)))


def test_a_native_answer_is_checked_and_passes_as_it_was_written():
    text = '{\n    "n": 1\n}'
    model = ScriptedModel([words(*text, usage=FEW)])
    answer = asked_of(model)
    assert (answer.text, answer.finish_reason, answer.usage) == (text, "stop", FEW)
    assert model.asked[0].response_format == NUMBER


@pytest.mark.parametrize(("around", "told"), [("", 2), ("Вот: ", 0)])
def test_probabilities_come_with_the_document_that_their_tokens_are(around: str, told: int):
    tokens = tuple(TokenLogprob(token, -0.1) for token in (around + '{"n"', ": 1}"))
    said = [ChatChunk(text=token.token, logprobs=(token,)) for token in tokens]
    model = ScriptedModel([[*said, ChatChunk(finish_reason="stop", usage=FEW)]])
    [answer] = chunks_in(layered(model, NATIVE)(asking("x", response_format=NUMBER)))
    assert (answer.text, answer.logprobs) == ('{"n": 1}', tokens[:told])


def test_nothing_leaves_before_it_is_valid_but_ticks():
    model = ScriptedModel([[TICK, *words('{"n"', ": 1}", usage=FEW)]])
    chunks = list(layered(model, NATIVE)(asking("x", response_format=NUMBER)))
    assert chunks == [TICK, ChatChunk(text='{"n": 1}', finish_reason="stop", usage=FEW)]


@pytest.mark.parametrize(
    "text", ['```json\n{"n": 1}\n```', 'Конечно!\n\n{"n": 1}\n\nЧто ещё?', ' {"n": 1}\n']
)
@pytest.mark.parametrize("profile", [NATIVE, EMULATED])
def test_what_stands_around_the_document_stays_behind(text, profile):
    assert asked_of(ScriptedModel([words(text)]), profile).text == '{"n": 1}'


def test_of_several_documents_the_one_that_fits_leaves():
    model = ScriptedModel([words('Не {"m": 1}, а {"n": 2}.')])
    assert asked_of(model).text == '{"n": 2}'


@pytest.mark.parametrize("profile", [NATIVE, HALF_NATIVE, EMULATED])
@pytest.mark.parametrize("wrong", ['{"m": 1}', '{"n": 1,}', '{"n": 1', "Не знаю.", ""])
def test_an_invalid_answer_is_repaired_at_no_cost(wrong, profile):
    model = ScriptedModel([words(wrong, usage=FEW), words('{"n": 1}', usage=MANY)])
    answer = asked_of(model, profile)
    assert (answer.text, answer.finish_reason) == ('{"n": 1}', "stop")
    assert answer.usage == Usage(100, 9)
    result = model.asked[1].messages
    assert result[-1].role == "user"
    assert result[-1].content.startswith("Error: ")
    assert wrong in model.prompt
    assert model.asked[1].tools == ()


@pytest.mark.parametrize("profile", [NATIVE, HALF_NATIVE, EMULATED])
def test_an_answer_that_stays_invalid_is_an_error(profile):
    model = ScriptedModel([words('{"m": 1}', usage=FEW), words('{"o": 1}', usage=MANY)])
    with pytest.raises(StructuredOutputInvalid) as caught:
        asked_of(model, profile)
    assert not caught.value.retryable
    assert caught.value.provider == "p"
    assert (caught.value.raw, caught.value.usage) == (None, Usage(260, 16))
    assert caught.value.message == (
        "The model was asked twice and gave no JSON that is valid:"
        " it does not fit the schema at required."
    )
    assert len(model.asked) == 2


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_cut_answer_leaves_as_it_is(finish):
    answer = asked_of(ScriptedModel([words('{"n"', finish=finish)]))
    assert (answer.text, answer.finish_reason) == ('{"n"', finish)


def test_what_a_filter_says_is_not_too_long_for_max_tokens():
    model = ScriptedModel([words("Об этом я не говорю. " * 20, finish="content_filter")])
    assert asked_of(model, max_tokens=1).finish_reason == "content_filter"


def test_a_repair_that_is_cut_says_so():
    model = ScriptedModel([words("нет"), words('{"n"', finish="length")])
    assert asked_of(model).finish_reason == "length"


def test_a_call_of_the_callers_tool_needs_no_document():
    model = ScriptedModel([call("get_n", "{}")])
    answer = asked_of(model, tools=(TOOL,))
    assert [item.name for item in answer.calls] == ["get_n"]
    assert answer.finish_reason == "tool_calls"


def test_where_a_call_is_demanded_there_is_no_document_to_wait_for():
    model = ScriptedModel([call("get_n", "{}")])
    assert asked_of(model, tools=(TOOL,), tool_choice="required").calls
    assert model.asked[0].response_format is None


def test_a_model_with_tools_but_no_formats_answers_by_a_tool():
    model = ScriptedModel([call("number", '{"n":1}', FEW)])
    answer = asked_of(model, HALF_NATIVE)
    assert (answer.text, answer.calls, answer.finish_reason) == ('{"n":1}', (), "stop")
    asked = model.asked[0]
    assert asked.tool_choice == NamedTool("number")
    assert asked.tools[0].parameters == SCHEMA
    assert asked.response_format is None


def test_a_tool_whose_arguments_do_not_fit_is_repaired_in_words():
    model = ScriptedModel([call("number", '{"m":1}', FEW), words('{"n": 1}', usage=MANY)])
    assert asked_of(model, HALF_NATIVE).text == '{"n": 1}'
    assert json.dumps(SCHEMA) in model.prompt


@pytest.mark.parametrize(
    "wanted",
    [
        LIST,
        OBJECT,
        ResponseFormat("json_schema", schema={"type": "object"}),
        ResponseFormat(
            "json_schema", schema={"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}
        ),
    ],
)
def test_what_no_tool_can_take_is_asked_for_in_words(wanted):
    text = "[1]" if wanted is LIST else '"да"' if "$ref" in str(wanted.schema) else '{"a": 1}'
    model = ScriptedModel([words(text)])
    assert asked_of(model, HALF_NATIVE, response_format=wanted).text == text
    assert model.asked[0].tools == ()
    assert "JSON" in model.prompt


def test_tools_of_the_caller_are_kept_beside_a_schema_in_words():
    model = ScriptedModel([words("Не знаю."), words('{"n": 1}')])
    assert asked_of(model, HALF_NATIVE, tools=(TOOL,)).text == '{"n": 1}'
    assert model.asked[0].tools == (TOOL,)
    assert model.asked[1].tools == ()


def test_tools_that_may_not_be_called_are_in_nobodys_way():
    model = ScriptedModel([call("number", '{"n":1}')])
    answer = asked_of(model, HALF_NATIVE, tools=(TOOL,), tool_choice="none")
    assert answer.text == '{"n":1}'


def test_any_object_but_nothing_else_is_a_json_object():
    model = ScriptedModel([words("[1]"), words('{"a": [1]}')])
    assert asked_of(model, response_format=OBJECT).text == '{"a": [1]}'


def test_a_provider_that_refuses_the_repair_is_not_the_callers_fault():
    model = ScriptedModel([words("нет"), [ProviderRejected("too long", provider="p", status=400)]])
    with pytest.raises(StructuredOutputInvalid):
        asked_of(model)


def test_a_busy_provider_in_the_repair_lets_another_try():
    model = ScriptedModel([words("нет"), [ProviderRateLimited("busy", provider="p")]])
    with pytest.raises(ProviderRateLimited):
        asked_of(model)


@pytest.mark.parametrize("wanted", [None, ResponseFormat("text")])
def test_text_streams_as_ever(wanted):
    model = ScriptedModel([words("Так", " и", " быть")])
    chunks = chunks_in(layered(model, NATIVE)(asking("x", response_format=wanted)))
    assert [chunk.text for chunk in chunks] == ["Так", " и", " быть", ""]


def test_a_departure_closes_what_is_open():
    model = ScriptedModel([[TICK, *words('{"n": 1}')]])
    chunks = layered(model, NATIVE)(asking("x", response_format=NUMBER))
    assert next(chunks) == TICK
    chunks.close()
    assert model.open_answers == 0


@pytest.mark.parametrize("profile", [NATIVE, HALF_NATIVE, EMULATED])
def test_a_refusal_is_an_answer_and_not_a_wrong_document(profile):
    model = ScriptedModel(
        [[ChatChunk(refusal="Не "), ChatChunk(refusal="могу."), *words(usage=FEW)]]
    )
    answer = asked_of(model, profile)
    assert (answer.text, answer.refusal, answer.finish_reason) == ("", "Не могу.", "stop")
    assert answer.usage == FEW


def test_a_model_may_refuse_when_it_is_asked_to_repair():
    refused = [ChatChunk(refusal="Не могу."), *words(usage=MANY)]
    answer = asked_of(ScriptedModel([words("Не знаю.", usage=FEW), refused]))
    assert (answer.text, answer.refusal) == ("", "Не могу.")


def test_long_numbers_of_a_schema_are_compared_to_the_digit():
    account = {"const": 40817810099910004312}
    debts = {"type": "array", "items": {"maximum": 10**20}, "uniqueItems": True}
    schema = {"type": "object", "properties": {"account": account, "debts": debts}}
    wanted = ResponseFormat("json_schema", schema=schema, name="account")
    good = (
        '{"account": 40817810099910004312, "debts": [99999999999999999998, 99999999999999999999]}'
    )
    other = '{"account": 40817810099910004313}'
    model = ScriptedModel([words(other), words(good)])
    assert asked_of(model, EMULATED, response_format=wanted).text == good
    assert '"const": 40817810099910004312' in model.prompt
