"""Tool calls, however a server streams them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.errors import ProviderProtocolError
from tests.providers.openai_compatible.upstream import (
    called,
    calls_of,
    event,
    piece,
    read,
    reader,
    whole,
    written,
)


def calls(*events: Any, finish: str = "tool_calls") -> list[tuple[str, str, str]]:
    chunks = read(written(*events, event({}, finish)), "погода сейчас")
    assert chunks[-1].finish_reason == "tool_calls"
    return calls_of(chunks)


def test_pieces_are_put_together_by_their_index() -> None:
    assert calls(
        called(piece("", index=0, id="a", name="f")),
        called(piece('{"x": ', index=0)),
        called(piece("", index=1, id="b", name="g"), piece("1}", index=0)),
        called(piece("{}", index=1)),
    ) == [("a", "f", '{"x": 1}'), ("b", "g", "{}")]


def test_the_first_piece_bears_id_and_name_and_no_other_does() -> None:
    first, second, _ = read(
        written(
            called(piece("{", index=3, id="a", name="f")),
            called(piece("}", index=3)),
            event({}, "tool_calls"),
        )
    )
    assert [(call.index, call.id, call.name, call.arguments) for call in first.tool_calls] == [
        (0, "a", "f", "{")
    ]
    assert [(call.index, call.id, call.name, call.arguments) for call in second.tool_calls] == [
        (0, None, None, "}")
    ]


def test_whole_calls_may_all_have_the_index_0() -> None:
    assert calls(
        called(piece('{"x": 1}', index=0, id="a", name="f")),
        called(piece('{"x": 2}', index=0, id="b", name="f")),
    ) == [("a", "f", '{"x": 1}'), ("b", "f", '{"x": 2}')]


def test_pieces_under_a_reused_index_go_to_the_latest_call() -> None:
    assert calls(
        called(piece('{"x": 1}', index=0, id="a", name="f")),
        called(piece('{"x"', index=0, id="b", name="f")),
        called(piece(": 2}", index=0)),
    ) == [("a", "f", '{"x": 1}'), ("b", "f", '{"x": 2}')]


def test_whole_calls_may_have_no_index() -> None:
    assert calls(
        called(piece({"x": 1}, id="a", name="f"), piece({}, id="b", name="g")),
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_whole_calls_may_have_neither_index_nor_id() -> None:
    assert calls(called(piece('{"x": 1}', name="f")), called(piece('{"x": 2}', name="f"))) == [
        ("own-0", "f", '{"x": 1}'),
        ("own-1", "f", '{"x": 2}'),
    ]


def test_pieces_without_an_index_go_on_with_the_last_call() -> None:
    assert calls(
        called(piece("{", id="a", name="f")), called(piece("}")), called(piece(id="b", name="g"))
    ) == [
        ("a", "f", "{}"),
        ("b", "g", "{}"),
    ]


def test_a_new_id_on_every_piece_makes_no_new_calls() -> None:
    assert calls(
        called(piece("{", index=0, id="a", name="f")),
        called(piece("", index=0, id="b")),
        called(piece("}", index=0, id="c")),
    ) == [("a", "f", "{}")]


def test_a_repeated_id_and_name_make_no_new_call() -> None:
    assert calls(
        called(piece('{"x"', index=0, id="a", name="f")),
        called(piece(": 1}", index=0, id="a", name="f")),
    ) == [("a", "f", '{"x": 1}')]


def test_a_repeated_name_without_ids_makes_no_new_call_before_the_arguments_are_whole() -> None:
    assert calls(
        called(piece('{"x"', index=0, name="f")),
        called(piece(": 1}", index=0, name="f")),
        called(piece('{"x": 2}', index=0, name="f")),
    ) == [("own-0", "f", '{"x": 1}'), ("own-1", "f", '{"x": 2}')]


def test_a_name_may_come_late() -> None:
    assert calls(
        called(piece("{", index=0, id="a")),
        called(piece('"x"', index=0)),
        called(piece(": 1}", index=0, name="f")),
    ) == [("a", "f", '{"x": 1}')]


def test_ids_that_lack_or_repeat_are_replaced() -> None:
    assert calls(
        called(piece("{}", index=0, id="", name="f")),
        called(piece("{}", index=1, id="a", name="f")),
        called(piece("{}", index=2, id="a", name="f")),
    ) == [("own-0", "f", "{}"), ("a", "f", "{}"), ("own-1", "f", "{}")]


@pytest.mark.parametrize("arguments", [None, "", " "])
def test_a_call_without_a_word_of_arguments_has_none(arguments: str | None) -> None:
    ((_, _, found),) = calls(called(piece(arguments, index=0, id="a", name="f")))
    assert found.strip() == "{}"


def test_a_call_that_was_cut_keeps_what_there_is() -> None:
    chunks = read(
        written(called(piece(index=0, id="a", name="f")), event({}, "length")), "погода сейчас"
    )
    assert chunks[-1].finish_reason == "length"
    assert calls_of(chunks) == [("a", "f", "")]


def test_a_name_is_the_callers_again() -> None:
    wire_name = ToolNames(["погода сейчас"]).to_wire("погода сейчас")
    ((_, name, _),) = calls(called(piece("{}", index=0, id="a", name=wire_name)))
    assert name == "погода сейчас"


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call", "eos"])
def test_an_answer_with_calls_ends_with_them_whatever_the_server_says(finish: str) -> None:
    assert calls(called(piece("{}", index=0, id="a", name="f")), finish=finish)


def test_the_deprecated_form_is_a_call() -> None:
    function = [
        event({"function_call": {"name": "f", "arguments": ""}}),
        event({"function_call": {"arguments": '{"x": 1}'}}),
    ]
    assert calls(*function, finish="function_call") == [("own-0", "f", '{"x": 1}')]
    body = whole(None, "function_call", function_call={"name": "f", "arguments": "{}"})
    assert calls_of([reader().whole(_json(body))]) == [("own-0", "f", "{}")]


def test_a_whole_answer_has_its_calls_in_one_chunk() -> None:
    listed = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": {"x": 2}}},
    ]
    chunk = reader().whole(_json(whole(None, "stop", tool_calls=listed)))
    assert chunk.finish_reason == "tool_calls"
    assert calls_of([chunk]) == [("a", "f", '{"x": 1}'), ("b", "f", '{"x":2}')]


def test_tool_calls_without_a_call_are_a_stop() -> None:
    chunks = read(written(event({"content": "да", "tool_calls": []}), event({}, "tool_calls")))
    assert (chunks[-1].finish_reason, chunks[-1].native_finish_reason) == ("stop", "tool_calls")


@pytest.mark.parametrize(
    "wrong",
    [
        called(piece("{}", index=0, id="a")),
        called(piece("{}", index=0, id="a", name="")),
        called(piece("{}", index=-1, id="a", name="f")),
        called(piece("{}", index=True, id="a", name="f")),
        called(piece("{}", index="0", id="a", name="f")),
        called(piece("{}", index=0, id=5, name="f")),
        called(piece("{}", index=0, id="a", name=5)),
        called(piece([], index=0, id="a", name="f")),
        called(piece(5, index=0, id="a", name="f")),
        called({"index": 0, "id": "a", "function": "f"}),
        called("f"),  # type: ignore[arg-type]
        event({"tool_calls": {"index": 0}}),
        event({"tool_calls": "f"}),
        event({"function_call": "f"}),
    ],
)
def test_calls_of_the_wrong_form_are_no_answer(wrong: Any) -> None:
    with pytest.raises(ProviderProtocolError):
        read(written(wrong, event({}, "tool_calls")))


def test_arguments_nested_past_all_reason_are_no_answer() -> None:
    arguments: Any = 1
    for _ in range(300):
        arguments = {"a": arguments}
    data = b"data: " + json.dumps(called(piece(arguments, index=0, name="f"))).encode()
    with pytest.raises(ProviderProtocolError):
        read(data + b"\n\n" + written(event({}, "tool_calls")))


def test_an_object_behind_pieces_is_no_answer() -> None:
    pieces = [called(piece("{", index=0, id="a", name="f")), called(piece({}, index=0))]
    with pytest.raises(ProviderProtocolError):
        read(written(*pieces, event({}, "tool_calls")))


@given(
    st.lists(st.tuples(st.sampled_from("fgh"), st.text('абв{}"', max_size=12)), max_size=5),
    st.data(),
)
def test_any_cut_of_the_arguments_adds_up(
    created: list[tuple[str, str]], data: st.DataObject
) -> None:
    events = []
    for index, (name, arguments) in enumerate(created):
        cut = data.draw(st.integers(0, len(arguments)))
        events.append(called(piece(arguments[:cut], index=index, id=f"id-{index}", name=name)))
        events.append(called(piece(arguments[cut:], index=index)))
    chunks = read(written(*events, event({}, "stop")))
    assert calls_of(chunks) == [
        (f"id-{index}", name, arguments or "{}") for index, (name, arguments) in enumerate(created)
    ]


def _json(value: Any) -> bytes:
    return written(value, done=False).removeprefix(b"data: ").strip()
