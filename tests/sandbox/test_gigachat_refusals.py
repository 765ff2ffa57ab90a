"""What GigaChat refuses in a chat request: one failing request per rule of the reference."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.callers import GigaChatCaller
from tests.sandbox.gigachat_bodies import (
    SCHEMA,
    SYSTEM,
    USER,
    assert_invalid,
    called,
    chat_body,
    function,
    messages,
    response_format,
    result,
)

WRONG_MODELS = {
    "unknown": "GigaChat-9",
    "the marketing name": "GigaChat-2-Lite",
    "an embedder": "Embeddings",
    "a filter": "GigaFilter",
    "a version": "GigaChat:latest",
    "lower case": "gigachat-2",
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "model missing": {"model": None},
    "model not a string": {"model": 2},
    "temperature zero": {"temperature": 0},
    "temperature negative": {"temperature": -0.1},
    "temperature as text": {"temperature": "0.5"},
    "temperature true": {"temperature": True},
    "temperature null": {"temperature": ...},
    "top_p negative": {"top_p": -0.1},
    "top_p above one": {"top_p": 1.1},
    "max_tokens zero": {"max_tokens": 0},
    "max_tokens negative": {"max_tokens": -1},
    "max_tokens fraction": {"max_tokens": 1.5},
    "max_tokens as text": {"max_tokens": "100"},
    "max_tokens true": {"max_tokens": True},
    "max_tokens past int32": {"max_tokens": 2**31},
    "repetition_penalty zero": {"repetition_penalty": 0},
    "repetition_penalty negative": {"repetition_penalty": -1},
    "n zero": {"n": 0},
    "n five": {"n": 5},
    "n fraction": {"n": 1.5},
    "stream as text": {"stream": "true"},
    "stream as number": {"stream": 1},
    "update_interval negative": {"update_interval": -1},
    "profanity_check as text": {"profanity_check": "no"},
    "reasoning_effort of a model without it": {"reasoning_effort": "low"},
    "reasoning_effort unknown": {"model": "GigaChat-2-Reasoning", "reasoning_effort": "huge"},
}

UNKNOWN_FIELDS = [
    "tools", "tool_choice", "parallel_tool_calls", "stop", "seed", "logprobs", "logit_bias",
    "frequency_penalty", "presence_penalty", "user", "stream_options", "max_completion_tokens",
    "flags", "storage", "function_ranker",
]  # fmt: skip

MESSAGES: dict[str, dict[str, Any]] = {
    "missing": {"messages": None},
    "empty": messages(),
    "not a list": {"messages": "Привет"},
    "a message that is text": {"messages": ["Привет"]},
    "role missing": messages({"content": "Привет"}),
    "role developer": messages({"role": "developer", "content": "Кратко"}, USER),
    "role tool": messages(USER, called(), {"role": "tool", "content": "{}"}),
    "role of answers": messages({"role": "search_result", "content": "{}"}),
    "content missing": messages({"role": "user"}),
    "content null": messages({"role": "user", "content": None}),
    "content of a call null": messages(USER, {**called(), "content": None}, result("{}")),
    "content parts": messages({"role": "user", "content": [{"type": "text", "text": "?"}]}),
    "content a number": messages({"role": "user", "content": 5}),
    "tool_calls in a message": messages(
        USER, {"role": "assistant", "content": "", "tool_calls": []}
    ),
    "tool_call_id in a message": messages(USER, called(), result("{}", tool_call_id="call_1")),
    "name of a user": messages({**USER, "name": "Анна"}),
    "function_call of a user": messages({**called(), "role": "user"}),
    "arguments as text": messages(USER, called(arguments='{"city": "Томск"}'), result("{}")),
    "call without a name": messages(USER, called(name=None), result("{}")),
    "call with an id": messages(USER, called(id="call_1"), result("{}")),
    "functions_state_id not text": messages(USER, {**called(), "functions_state_id": 1}),
    "result that is text": messages(USER, called(), result("ok")),
    "result that is empty": messages(USER, called(), result("")),
    "result that is a number": messages(USER, called(), result("42")),
    "result that is a list": messages(USER, called(), result("[1]")),
    "result that is an object, not text": messages(USER, called(), result({"rub": 1})),
    "result without a name": messages(USER, called(), {"role": "function", "content": "{}"}),
    "result without a call": messages(USER, result("{}")),
    "result of another function": messages(USER, called(), result("{}", name="other")),
    "two results of one call": messages(USER, called(), result("{}"), result("{}")),
}


def test_the_body_that_the_refused_ones_spoil_is_good(gigachat: GigaChatCaller) -> None:
    assert gigachat.chat(chat_body()).status_code == 200
    assert gigachat.chat(chat_body(**function())).status_code == 200
    assert gigachat.chat(chat_body(**messages(SYSTEM, USER, called(), result("{}")))).ok
    assert gigachat.chat(chat_body(**response_format(type="json_schema", schema=SCHEMA))).ok


@pytest.mark.parametrize("model", WRONG_MODELS.values(), ids=WRONG_MODELS.keys())
def test_a_model_that_does_not_chat_is_not_found(gigachat: GigaChatCaller, model: str) -> None:
    response = gigachat.chat(chat_body(model=model))
    assert response.status_code == 404
    assert response.json() == {"status": 404, "message": "No such model"}


@pytest.mark.parametrize("change", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_a_wrong_parameter_is_refused(gigachat: GigaChatCaller, change: dict[str, Any]) -> None:
    assert_invalid(gigachat, chat_body(**change), "Invalid params: ")


@pytest.mark.parametrize("name", UNKNOWN_FIELDS)
def test_an_unknown_field_is_refused_by_name(gigachat: GigaChatCaller, name: str) -> None:
    assert_invalid(gigachat, chat_body(**{name: []}), name)


def test_unknown_fields_pass_in_silence_when_the_sandbox_is_not_strict(
    sandbox: Sandbox, gigachat: GigaChatCaller
) -> None:
    sandbox.settings.strict = False
    assert gigachat.chat(chat_body(tools=[], seed=1)).status_code == 200


@pytest.mark.parametrize("change", MESSAGES.values(), ids=MESSAGES.keys())
def test_wrong_messages_are_refused(gigachat: GigaChatCaller, change: dict[str, Any]) -> None:
    assert_invalid(gigachat, chat_body(**change), "Invalid params: ")


@pytest.mark.parametrize(
    "turns", [(SYSTEM, SYSTEM, USER), (USER, SYSTEM), (SYSTEM, USER, SYSTEM)],
    ids=["two", "late", "second later"],
)  # fmt: skip
def test_only_the_first_message_may_be_a_system_message(
    gigachat: GigaChatCaller, turns: tuple[dict[str, Any], ...]
) -> None:
    response = gigachat.chat(chat_body(**messages(*turns)))
    assert response.status_code == 422
    assert response.json() == {
        "status": 422,
        "message": "Invalid params: system message must be the first message",
    }


def test_a_zero_repetition_penalty_is_refused_in_the_recorded_words(
    gigachat: GigaChatCaller,
) -> None:
    assert_invalid(
        gigachat,
        chat_body(repetition_penalty=0),
        "Invalid params: repetition_penalty must be in range (0, +inf)",
    )


def test_an_attachment_must_be_an_uploaded_file(gigachat: GigaChatCaller) -> None:
    picture = {**USER, "attachments": ["0199e210-2f13-444c-8fe5-000000000000"]}
    assert_invalid(gigachat, chat_body(**messages(picture)))


def test_attachments_are_a_list_of_ids(gigachat: GigaChatCaller) -> None:
    assert_invalid(gigachat, chat_body(**messages({**USER, "attachments": gigachat.upload()})))


def test_a_message_takes_one_image(gigachat: GigaChatCaller) -> None:
    picture = {**USER, "attachments": [gigachat.upload("a.png"), gigachat.upload("b.png")]}
    assert_invalid(gigachat, chat_body(**messages(picture)), "image")


def test_a_request_takes_ten_images(gigachat: GigaChatCaller) -> None:
    image = {**USER, "attachments": [gigachat.upload()]}
    assert gigachat.chat(chat_body(**messages(*[image] * 10))).status_code == 200
    assert_invalid(gigachat, chat_body(**messages(*[image] * 11)), "image")


def test_a_model_without_eyes_takes_no_image(gigachat: GigaChatCaller) -> None:
    picture = messages({**USER, "attachments": [gigachat.upload()]})
    assert_invalid(gigachat, chat_body(**picture, model="GigaChat-2"), "image")


def test_only_users_attach_files(gigachat: GigaChatCaller) -> None:
    answer = {"role": "assistant", "content": "Вот", "attachments": [gigachat.upload()]}
    assert_invalid(gigachat, chat_body(**messages(USER, answer, USER)))


def test_a_prompt_over_the_context_is_too_large(gigachat: GigaChatCaller) -> None:
    long = {"role": "user", "content": "да " * 131_073}
    response = gigachat.chat(chat_body(**messages(long)))
    assert response.status_code == 413
    assert response.json() == {"status": 413, "message": "Payload too large"}
