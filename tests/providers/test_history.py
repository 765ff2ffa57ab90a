"""The dialogue so far is carried in an order that every wire takes, whatever a client made of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.providers._shared.history import arguments_object, carried
from gateway.providers.chat_types import Image, Message, ToolCall

PICTURE = Image(b"x", "image/png")


def calling(*ids: str, name: str = "f") -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(i, f"{name}{i}", "{}") for i in ids))


def result(call_id: str | None, content: str = "ok", name: str | None = None) -> Message:
    return Message("tool", content, tool_call_id=call_id, name=name)


def outline(messages: Sequence[Message]) -> list[tuple[int, str, str]]:
    return [(index, turn.role, turn.content) for index, turn in carried(messages)]


def test_a_dialogue_without_tools_is_as_it_was() -> None:
    messages = (Message("system", "а"), Message("user", "б", images=(PICTURE,)))

    assert carried(messages) == list(enumerate(messages))


def test_results_stand_behind_their_calls_in_the_order_of_these() -> None:
    messages = (calling("a", "b"), Message("user", "Ну?"), result("b", "2"), result("a", "1"))

    assert outline(messages) == [
        (0, "assistant", ""),
        (0, "tool", "1"),
        (0, "tool", "2"),
        (1, "user", "Ну?"),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        (Message("user", "x"), result("a")),
        (calling("a"), result("b")),
        (result("a"), calling("a")),
        (Message("user", "x"), result(None)),
        (Message("user", "x"), result("")),
    ],
)
def test_a_result_without_a_call_is_the_users(messages: tuple[Message, ...]) -> None:
    told = [turn.content for _, turn in carried(messages) if turn.role == "user"]

    assert "Result of a tool:\nok" in told


def test_a_second_result_of_one_call_is_the_users() -> None:
    roles = [role for _, role, _ in outline((calling("a"), result("a"), result("a")))]

    assert roles == ["assistant", "tool", "user"]


def test_a_call_without_a_result_has_one_that_says_so() -> None:
    turns = carried((calling("a", "b"), result("b")))

    assert [(turn.tool_call_id, turn.content) for _, turn in turns[1:]] == [
        ("a", "cancelled"),
        ("b", "ok"),
    ]


def test_ids_are_unique_within_a_turn_and_none_is_empty() -> None:
    turns = carried((calling("a", "a", "", "call_1"), *map(result, ["a", "a", "", "call_1"])))

    ids = [call.id for call in turns[0][1].tool_calls]
    assert len(set(ids)) == 4
    assert all(ids)
    assert (ids[0], ids[3]) == ("a", "call_1")
    assert [turn.tool_call_id for _, turn in turns[1:]] == ids
    assert all(turn.content == "ok" for _, turn in turns[1:])


def test_a_result_without_an_id_goes_by_its_name() -> None:
    turns = carried((calling("a", "b"), result(None, "2", "fb"), result(None, "1")))

    assert [turn.content for _, turn in turns] == ["", "1", "2"]


def test_pictures_of_tools_follow_all_results_of_the_turn() -> None:
    shown = Message("tool", "снимок", images=(PICTURE,), tool_call_id="a", name="screen")
    turns = carried((calling("a", "b"), shown, result("b")))

    assert [turn.role for _, turn in turns] == ["assistant", "tool", "tool", "user"]
    assert turns[3] == (1, Message("user", "Shown by the tool screen:", images=(PICTURE,)))
    assert not any(turn.images for _, turn in turns[:3])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (" \n", {}),
        ("null", {}),
        ("[]", {}),
        ('{"a": "б\nв\tг"}', {"a": "б\nв\tг"}),
        ("[1]", {"arguments": [1]}),
        ('"x"', {"arguments": "x"}),
        ("5", {"arguments": 5}),
        ("NaN", {"arguments": "NaN"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ("{'a': 1}", {"arguments": "{'a': 1}"}),
        ('{"command": "cd /srv && git', {"arguments": '{"command": "cd /srv && git'}),
        ('{"a": 1}{"a": 1}', {"arguments": '{"a": 1}{"a": 1}'}),
        (r'{"a": "\ud800"}', {"arguments": r'{"a": "\ud800"}'}),
        ('{"a":' * 2000, {"arguments": '{"a":' * 2000}),
    ],
)
def test_arguments_are_an_object_whatever_was_written(written: str, value: dict[str, Any]) -> None:
    assert arguments_object(ToolCall("c", "f", written)) == value
