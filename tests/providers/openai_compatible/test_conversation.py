"""Turns of a conversation as Chat Completions has them."""

import pytest

from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import ChatRequest, Image, JSONObject, Message, ToolCall
from gateway.providers.openai_compatible.conversation import wire_messages

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
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
        {"role": "tool", "tool_call_id": "call_2", "content": "минус 5"},
    ]


def test_words_beside_a_call_are_kept() -> None:
    assert wire(Message("assistant", "Смотрю.", tool_calls=(CALL,)))[0]["content"] == "Смотрю."


def test_a_result_of_no_call_is_told_by_the_user() -> None:
    turns = wire(
        Message("assistant", tool_calls=(CALL,)), Message("tool", "минус 5", tool_call_id="call_9")
    )
    assert turns[1:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "cancelled"},
        {"role": "user", "content": "Result of a tool:\nминус 5"},
    ]


def test_calls_of_one_id_get_ids_of_their_own() -> None:
    turns = wire(
        Message("assistant", tool_calls=(ToolCall("", "f", ""), ToolCall("", "f", ""))),
        Message("tool", "раз", tool_call_id=""),
        Message("tool", "два", tool_call_id=""),
    )
    ids = [call["id"] for call in turns[0]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [(turn["tool_call_id"], turn["content"]) for turn in turns[1:]] == [
        (ids[0], "раз"),
        (ids[1], "два"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a":  1}', '{"a":  1}'),
        ("{", '{"arguments":"{"}'),
        ("[]", "{}"),
        ("null", "{}"),
        ('"{}"', '{"arguments":"{}"}'),
        ('{"a": "б\nв"}', '{"a":"б\\nв"}'),
    ],
)
def test_arguments_are_the_text_of_an_object(arguments: str, sent: str) -> None:
    turns = wire(Message("assistant", tool_calls=(ToolCall("call_2", "f", arguments),)))
    assert turns[0]["tool_calls"][0]["function"]["arguments"] == sent


def test_signs_that_no_name_may_have_are_replaced() -> None:
    assert wire(Message("user", "а", name="Анна <a/b>"))[0]["name"] == "Анна__a_b_"


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
def test_an_image_that_no_user_shows_follows_in_a_turn_of_the_users(role: str) -> None:
    shown = Message(role, "а", images=(Image(b"x", "image/png"),))  # type: ignore[arg-type]
    turns = wire(Message("user", "а"), shown)
    assert turns[-1]["role"] == "user"
    assert turns[-1]["content"][0] == {"type": "text", "text": f"Shown by the {role}:"}
    assert turns[-1]["content"][1]["type"] == "image_url"
