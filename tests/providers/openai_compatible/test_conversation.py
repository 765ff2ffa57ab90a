"""Turns of a conversation as Chat Completions has them."""

import pytest

from gateway.providers.chat_types import ChatRequest, Image, JSONObject, Message, ToolCall
from gateway.providers.errors import UnsupportedInput
from gateway.providers.openai_compatible.conversation import wire_messages
from gateway.providers.openai_compatible.payload import tool_names

CALL = ToolCall("call_1", "get weather", '{"city": "Омск"}')


def wire(*messages: Message) -> list[JSONObject]:
    request = ChatRequest(messages)
    return wire_messages(request, tool_names(request))


def test_all_system_messages_are_one_and_the_first() -> None:
    turns = (
        Message("user", "а"),
        Message("system", "б"),
        Message("system"),
        Message("system", "в"),
    )
    assert wire(*turns) == [
        {"role": "system", "content": "б\n\nв"},
        {"role": "user", "content": "а"},
    ]


def test_an_empty_system_message_is_none() -> None:
    assert wire(Message("system"), Message("user", "а")) == [{"role": "user", "content": "а"}]


def test_turns_keep_order_text_and_the_name_of_who_speaks() -> None:
    turns = (
        Message("user", "раз", name="anna"),
        Message("user", "два"),
        Message("assistant", "три", name="bot"),
        Message("assistant", ""),
    )
    assert wire(*turns) == [
        {"role": "user", "content": "раз", "name": "anna"},
        {"role": "user", "content": "два"},
        {"role": "assistant", "content": "три", "name": "bot"},
        {"role": "assistant", "content": ""},
    ]


def test_calls_and_their_results_travel_back() -> None:
    other = ToolCall("call_2", "get weather", " ")
    turns = (
        Message("assistant", tool_calls=(CALL, other)),
        Message("tool", "минус 5", tool_call_id="call_2", name="get weather"),
        Message("tool", "", tool_call_id="call_1", name="get weather"),
    )
    function = {"name": "get_weather", "arguments": '{"city": "Омск"}'}
    assert wire(*turns) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": function},
                {"id": "call_2", "type": "function", "function": {**function, "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": "минус 5"},
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
    ]


def test_words_beside_a_call_are_kept() -> None:
    assert wire(Message("assistant", "Смотрю.", tool_calls=(CALL,)))[0]["content"] == "Смотрю."


@pytest.mark.parametrize("call_id", ["call_9", None])
def test_a_result_of_no_call_is_refused(call_id: str | None) -> None:
    turns = (
        Message("assistant", tool_calls=(CALL,)),
        Message("tool", "минус 5", tool_call_id=call_id),
    )
    with pytest.raises(UnsupportedInput) as caught:
        wire(*turns)
    assert caught.value.param == "messages[1].tool_call_id"


@pytest.mark.parametrize("arguments", ["{", "[]", "null", '"{}"'])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    broken = ToolCall("call_2", "f", arguments)
    with pytest.raises(UnsupportedInput) as caught:
        wire(Message("user", "а"), Message("assistant", tool_calls=(CALL, broken)))
    assert caught.value.param == "messages[1].tool_calls[1].function.arguments"


def test_images_are_parts_behind_the_text() -> None:
    images = (Image(b"\x89PNG", "image/png"), Image(b"\xff\xd8", "image/jpeg"))
    assert wire(Message("user", "Что тут?", images=images), Message("user", images=images[:1])) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Что тут?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9g="}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
            ],
        },
    ]


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_an_image_that_no_user_shows_is_refused(role: str) -> None:
    shown = Message(role, "а", images=(Image(b"x", "image/png"),))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedInput) as caught:
        wire(Message("user", "а"), shown)
    assert caught.value.param == "messages[1].content"
