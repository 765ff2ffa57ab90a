"""The turns of a conversation in GigaChat's order."""

from typing import Any

import orjson
import pytest

from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import ChatRequest, Image, JSONObject, Message, ToolCall
from gateway.providers.gigachat.call_ids import mint_call_id
from gateway.providers.gigachat.conversation import wire_messages

STATE = "0199e210-2f13-744c-8fe5-000000000000"
STATEFUL_ID = mint_call_id(STATE, "0123456789ab")


def wire(*messages: Message, attachments: dict[int, list[str]] | None = None) -> list[JSONObject]:
    request = ChatRequest(messages=messages)
    return wire_messages(request, tool_names(request), attachments or {})


def calling(*calls: tuple[str, str, str], text: str = "") -> Message:
    return Message("assistant", text, tool_calls=tuple(ToolCall(*call) for call in calls))


def result(call_id: str, content: str) -> Message:
    return Message("tool", content, tool_call_id=call_id)


def test_all_system_messages_become_one_at_the_front():
    turns = wire(
        Message("user", "Раз"),
        Message("system", "Отвечай кратко."),
        Message("assistant", "Два"),
        Message("system", ""),
        Message("system", "Без шуток."),
    )
    assert turns == [
        {"role": "system", "content": "Отвечай кратко.\n\nБез шуток."},
        {"role": "user", "content": "Раз"},
        {"role": "assistant", "content": "Два"},
    ]


def test_an_empty_system_message_is_none():
    assert wire(Message("system", ""), Message("user", "x")) == [{"role": "user", "content": "x"}]


def test_turns_of_one_role_in_a_row_stay_as_they_are():
    assert [turn["content"] for turn in wire(Message("user", "a"), Message("user", "b"))] == [
        "a",
        "b",
    ]


def test_a_name_of_a_message_has_no_place():
    assert wire(Message("user", "a", name="ivan")) == [{"role": "user", "content": "a"}]


def test_attachments_go_with_their_message():
    turns = wire(Message("user", "a"), Message("user", "b"), attachments={1: ["file-1"]})
    assert turns[0] == {"role": "user", "content": "a"}
    assert turns[1] == {"role": "user", "content": "b", "attachments": ["file-1"]}


def test_n_calls_and_their_results_become_n_pairs():
    turns = wire(
        Message("user", "Погода?"),
        calling(("a", "weather", '{"city": "Омск"}'), ("b", "time-now", "{}"), text="Смотрю."),
        result("b", '{"time": "12:00"}'),
        result("a", '{"t": -20}'),
    )
    assert turns[1:] == [
        {
            "role": "assistant",
            "content": "Смотрю.",
            "function_call": {"name": "weather", "arguments": {"city": "Омск"}},
        },
        {"role": "function", "name": "weather", "content": '{"t": -20}'},
        {
            "role": "assistant",
            "content": "",
            "function_call": {"name": "time_now", "arguments": {}},
        },
        {"role": "function", "name": "time_now", "content": '{"time": "12:00"}'},
    ]


def test_the_state_in_an_id_goes_back_with_its_call():
    turns = wire(calling((STATEFUL_ID, "f", "{}")), result(STATEFUL_ID, "{}"))
    assert turns[0]["functions_state_id"] == STATE


def test_an_id_from_another_gateway_works_without_state():
    turns = wire(calling(("toolu_01", "f", "{}")), result("toolu_01", "{}"))
    assert "functions_state_id" not in turns[0]
    assert turns[1]["name"] == "f"


def test_ids_counted_anew_in_every_turn_find_the_call_of_their_turn():
    turns = wire(
        calling(("call_0", "f", "{}")),
        result("call_0", '{"r": 1}'),
        calling(("call_0", "g", "{}")),
        result("call_0", '{"r": 2}'),
    )
    assert [(turn["name"], turn["content"]) for turn in turns if turn["role"] == "function"] == [
        ("f", '{"r": 1}'),
        ("g", '{"r": 2}'),
    ]


def test_calls_of_one_id_in_one_turn_take_their_results_in_order():
    turns = wire(
        calling(("", "f", "{}"), ("", "g", "{}")), result("", '{"r": 1}'), result("", '{"r": 2}')
    )
    assert [(turn["name"], turn["content"]) for turn in turns[1::2]] == [
        ("f", '{"r": 1}'),
        ("g", '{"r": 2}'),
    ]


def test_a_result_that_comes_after_another_turn_stands_by_its_call():
    turns = wire(calling(("a", "f", "{}")), Message("user", "Ну?"), result("a", "{}"))
    assert [turn["role"] for turn in turns] == ["assistant", "function", "user"]


def test_a_call_without_a_result_gets_one():
    turns = wire(calling(("a", "f", "{}"), ("b", "g", "{}")), result("b", "{}"))
    assert [turn["role"] for turn in turns] == ["assistant", "function", "assistant", "function"]
    assert turns[1] == {"role": "function", "name": "f", "content": '{"result": "cancelled"}'}


def test_a_result_of_no_call_is_told_by_the_user():
    turns = wire(Message("user", "x"), Message("tool", "12", tool_call_id="a", name="f"))
    assert turns[1] == {"role": "user", "content": "Result of the tool f:\n12"}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("ok", {"result": "ok"}),
        ("", {"result": ""}),
        ("42", {"result": 42}),
        ("[1]", {"result": [1]}),
        ("null", {"result": None}),
        ('"да"', {"result": "да"}),
        ("NaN", {"result": "NaN"}),
        ('{"a": 1', {"result": '{"a": 1'}),
        ('# Заголовок\n"кавычки"', {"result": '# Заголовок\n"кавычки"'}),
        ("[" * 500 + "]" * 500, None),
    ],
)
def test_a_result_is_always_an_object(content: str, sent: Any):
    turns = wire(calling(("a", "f", "{}")), result("a", content))
    received = orjson.loads(turns[1]["content"])
    assert received == sent if sent is not None else isinstance(received, dict)


def test_arguments_that_are_no_object_are_put_in_one():
    turns = wire(calling(("a", "f", '{"a": "б'), ("b", "g", "null")))
    assert [turn["function_call"]["arguments"] for turn in turns[::2]] == [
        {"arguments": '{"a": "б'},
        {},
    ]


def test_no_arguments_at_all_are_an_empty_object():
    assert wire(calling(("a", "f", " ")))[0]["function_call"]["arguments"] == {}


def test_an_image_that_no_user_shows_is_attached_to_a_turn_of_the_users():
    shown = (Image(b"x", "image/png"),)
    turns = wire(
        calling(("a", "look", "{}")),
        Message("tool", "x", images=shown, tool_call_id="a", name="look"),
        attachments={1: ["file-1"]},
    )
    assert [turn["role"] for turn in turns] == ["assistant", "function", "user"]
    assert turns[2]["attachments"] == ["file-1"]


def test_images_of_two_results_follow_both_results_one_a_turn():
    shown = (Image(b"x", "image/png"),)
    turns = wire(
        calling(("a", "look", "{}"), ("b", "look", "{}")),
        Message("tool", "x", images=shown * 2, tool_call_id="a", name="look"),
        Message("tool", "y", images=shown, tool_call_id="b", name="look"),
        attachments={1: ["file-1", "file-2"], 2: ["file-3"]},
    )
    assert [turn["role"] for turn in turns[:4]] == ["assistant", "function"] * 2
    assert turns[4:] == [
        {"role": "user", "content": "Shown by the tool look:", "attachments": ["file-1"]},
        {"role": "user", "content": "", "attachments": ["file-2"]},
        {"role": "user", "content": "Shown by the tool look:", "attachments": ["file-3"]},
    ]
