"""What GigaChat answers -> ChatChunks."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatChunk, JSONObject, ToolCallDelta, Usage
from gateway.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from gateway.providers.gigachat.call_ids import state_id_of
from gateway.providers.gigachat.chunks import GigaChatChunkReader
from gateway.providers.gigachat.usage import read_usage
from tests.providers.gigachat.upstream import EIGHT, USAGE, event

STATE = "0199e210-2f13-744c-8fe5-000000000000"


def reader(*names: str) -> GigaChatChunkReader:
    return GigaChatChunkReader(
        names=ToolNames(names),
        mint_id=lambda: "0123456789ab",
        redact=lambda text: text.replace("s3cret-key", "***"),
    )


def read(stream: bytes, *names: str) -> list[ChatChunk]:
    """Read a stream whole, line by line."""
    chunks = reader(*names)
    found = [chunks.line(line.removesuffix(b"\r")) for line in stream.split(b"\n")]
    return [chunk for chunk in (*found, chunks.end()) if chunk is not None]


def body(message: JSONObject | None, finish: Any = "stop", **more: Any) -> bytes:
    choice: JSONObject = {"index": 0, "message": message}
    if finish is not None:
        choice["finish_reason"] = finish
    return orjson.dumps({"choices": [choice], **more})


CALL = {
    "role": "assistant",
    "content": "",
    "function_call": {"name": "get_price", "arguments": {"город": "Томск", "kg": 1}},
    "functions_state_id": STATE,
}


def test_a_stream_is_its_increments_then_the_finish_with_the_usage():
    assert read(b"".join(EIGHT) + b"data: [DONE]\n\n") == [
        ChatChunk(text="Во"),
        ChatChunk(text="семь."),
        ChatChunk(
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(19, 4, cached_tokens=2),
        ),
    ]


def test_long_numbers_of_a_call_keep_their_digits():
    message = CALL | {"function_call": {"name": "pay", "arguments": {"account": "N"}}}
    whole = body(message, "function_call").replace(b'"N"', b"40817810099910004312")
    streamed = b"data: " + whole.replace(b'"message"', b'"delta"') + b"\n\n"
    for [chunk] in ([reader().whole(whole)], read(streamed)):
        assert chunk.tool_calls[0].arguments == '{"account":40817810099910004312}'


def test_a_whole_answer_is_one_chunk():
    assert reader().whole(body({"role": "assistant", "content": "Да"}, usage=USAGE)) == ChatChunk(
        text="Да",
        finish_reason="stop",
        native_finish_reason="stop",
        usage=Usage(19, 4, cached_tokens=2),
    )


@pytest.mark.parametrize(
    "write",
    [
        lambda item: item.replace(b"data: ", b"data:"),
        lambda item: item.replace(b"\n", b"\r\n"),
        lambda item: b": ping\n\nevent: message\nid: 5\nretry: 10\n" + item,
        lambda item: item.replace(b"\n\n", b"\n\n\n\n"),
        lambda item: item[:-1],
        lambda item: item.replace(b',"', b',\ndata: "'),
    ],
)
def test_an_event_may_be_written_in_other_ways(write: Any):
    usual = b"".join(EIGHT)
    assert read(b"".join(write(item) for item in EIGHT)) == read(usual)


def test_done_is_seen_at_once_and_nothing_behind_it_is_needed():
    chunks = reader()
    for item in EIGHT:
        for line in item.split(b"\n"):
            chunks.line(line)
    assert not chunks.done
    assert chunks.line(b"data: [DONE]") is None
    assert chunks.done


def test_an_event_that_says_nothing_makes_no_chunk():
    chunks = reader()
    assert chunks.line(b'data: {"choices":[{"delta":{"content":"","role":"assistant"}}]}') is None
    assert chunks.line(b'data: {"choices":[]}') is None


def test_a_function_call_becomes_a_tool_call_with_arguments_as_text():
    stream = event(CALL, finish_reason="function_call", usage=USAGE)
    (chunk,) = read(stream, "get-price")
    (call,) = chunk.tool_calls
    assert call == ToolCallDelta(
        index=0, id=call.id, name="get-price", arguments='{"город":"Томск","kg":1}'
    )
    assert (chunk.finish_reason, chunk.native_finish_reason) == ("tool_calls", "function_call")
    assert chunk.usage == Usage(19, 4, cached_tokens=2)
    assert state_id_of(call.id or "") == STATE


def test_a_whole_function_call_is_the_same_as_a_streamed_one():
    (streamed,) = read(event(CALL, finish_reason="function_call", usage=USAGE), "get-price")
    assert reader("get-price").whole(body(CALL, "function_call", usage=USAGE)) == streamed


@pytest.mark.parametrize(
    ("arguments", "passed"), [('{"a": "б', '{"a": "б'), ("[1]", "[1]"), ([1], "[1]"), (5, "5")]
)
def test_arguments_that_are_no_object_are_passed_on_as_text(arguments: Any, passed: str):
    call = {"function_call": {"name": "f", "arguments": arguments}}
    (delta,) = reader().whole(body(call, "function_call")).tool_calls
    assert delta.arguments == passed


@pytest.mark.parametrize("arguments", [{}, None, "{}"])
def test_no_arguments_are_an_empty_object(arguments: Any):
    call = {"function_call": {"name": "f", "arguments": arguments}}
    (delta,) = reader().whole(body(call, "function_call")).tool_calls
    assert delta.arguments == "{}"


def test_a_call_without_state_gets_an_id_too():
    call = {"function_call": {"name": "f", "arguments": {}}}
    (delta,) = reader().whole(body(call, "function_call")).tool_calls
    assert delta.id == "call_0123456789ab"


def test_calls_are_counted_and_the_finish_says_so():
    call = {"function_call": {"name": "f", "arguments": {}}}
    first, second, last = read(event(call) + event(call) + event({}, finish_reason="stop"))
    assert [first.tool_calls[0].index, second.tool_calls[0].index] == [0, 1]
    assert last.finish_reason == "tool_calls"


def test_a_finish_by_a_built_in_function_is_no_tool_call():
    stream = (
        event({"role": "function_in_progress", "content": "рисую", "name": "text2image"})
        + event({"role": "search_result", "content": "нашёл"})
        + event({"role": "assistant", "content": "Готово"})
        + event({"content": ""}, finish_reason="function_call")
    )
    text, last = read(stream)
    assert text == ChatChunk(text="Готово")
    assert (last.finish_reason, last.native_finish_reason) == ("stop", "function_call")


def test_reasoning_is_apart_from_the_text():
    stream = event({"reasoning_content": "Хм. "}) + event({"content": "Да"}, finish_reason="stop")
    assert [(chunk.reasoning, chunk.text) for chunk in read(stream)] == [("Хм. ", ""), ("", "Да")]


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("blacklist", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_reasons_to_finish_are_told_in_both_words(native: str, finish: str):
    chunk = reader().whole(body({"content": "x"}, native))
    assert (chunk.finish_reason, chunk.native_finish_reason) == (finish, native)


def test_arguments_that_the_model_spoilt_are_an_error():
    with pytest.raises(ProviderProtocolError, match="arguments"):
        reader().whole(body({"content": "{"}, "error"))


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 0}, Usage(5, 0)),
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "precached_prompt_tokens": 5},
            Usage(10, 2, cached_tokens=5),
        ),
        (
            {"prompt_tokens": 1414, "completion_tokens": 86, "precached_prompt_tokens": 6183},
            Usage(7597, 86, cached_tokens=6183),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 2, "system_tokens": 9}, Usage(5, 2)),
        (None, None),
        ({}, None),
        ([], None),
        ("usage", None),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": -5, "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": 2}, None),
        ({"prompt_tokens": "5", "completion_tokens": 2}, None),
        ({"prompt_tokens": 5.0, "completion_tokens": 2}, None),
        ({"prompt_tokens": 5, "completion_tokens": 10**12}, None),
        ({"prompt_tokens": 5, "completion_tokens": 2, "precached_prompt_tokens": -1}, None),
    ],
)
def test_usage_is_believed_only_if_it_can_be_true(usage: Any, counted: Usage | None):
    assert read_usage(usage) == counted


def test_an_answer_without_usage_is_an_answer():
    assert reader().whole(body({"content": "Да"})).usage is None


def test_usage_may_come_in_an_event_of_its_own():
    alone = b"data: " + orjson.dumps({"choices": [], "usage": USAGE}) + b"\n\n"
    *_, last = read(event({"content": "Да"}, finish_reason="stop") + alone)
    assert last == ChatChunk(usage=Usage(19, 4, cached_tokens=2))


@pytest.mark.parametrize(
    "spoilt",
    [
        b"<html><body>502</body></html>",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"choices": null}',
        b'{"choices": {}}',
        b'{"choices": "nonsense"}',
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"choices": [{"PART": null, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": [], "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"content": 5}, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"content": ["x"]}, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"reasoning_content": {}}, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"content": "x"}, "finish_reason": 5}]}',
        b'{"choices": [{"PART": {"content": "x"}}]}',
        b'{"choices": [{"PART": {"function_call": "f"}, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"function_call": {}}, "finish_reason": "stop"}]}',
        b'{"choices": [{"PART": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}',
        b'{"status": "bad", "message": "x"}',
    ],
)
def test_garbage_is_an_error_whole_or_streamed(spoilt: bytes):
    with pytest.raises(ProviderProtocolError):
        reader().whole(spoilt.replace(b"PART", b"message"))
    with pytest.raises(ProviderProtocolError):
        read(b"data: " + spoilt.replace(b"PART", b"delta") + b"\n\n")


@pytest.mark.parametrize("stream", [b"", b"data: [DONE]\n\n", EIGHT[0], EIGHT[0] + EIGHT[1]])
def test_a_stream_without_a_finish_was_cut(stream: bytes):
    with pytest.raises(ProviderProtocolError, match="end"):
        read(stream)


def test_a_stream_with_a_finish_needs_no_done():
    assert read(b"".join(EIGHT))[-1].finish_reason == "stop"


def test_an_error_inside_a_good_status_is_what_its_number_means():
    with pytest.raises(ProviderUnavailable) as caught:
        read(EIGHT[0] + b'data: {"status":500,"message":"failed s3cret-key"}\n\n')
    assert (caught.value.status, caught.value.raw) == (
        500,
        '{"status":500,"message":"failed ***"}',
    )
    with pytest.raises(ProviderRateLimited):
        reader().whole(b'{"status":429,"message":"Too many requests"}')


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from([*EIGHT, b"data: [DONE]\n\n", b"data: ", b"\n", b"\r\n", b"\xd0", b"{}"]),
    ),
    max_size=12,
)


@given(PIECES)
@example([b"data: 1\n\n"])
def test_no_bytes_bring_any_other_error(pieces: list[bytes]):
    try:
        chunks = read(b"".join(pieces))
    except ProviderError:
        return
    assert any(chunk.finish_reason for chunk in chunks)


@given(st.lists(st.text(min_size=1, max_size=20), max_size=10))
def test_the_increments_put_together_are_the_text(texts: list[str]):
    stream = b"".join(event({"content": text}) for text in texts)
    chunks = read(stream + event({"content": ""}, finish_reason="stop"))
    assert "".join(chunk.text for chunk in chunks) == "".join(texts)
