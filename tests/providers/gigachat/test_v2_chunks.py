"""What GigaChat answers in its second chat form -> ChatChunks."""

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatChunk, JSONObject, TokenLogprob, Usage
from gateway.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderUnavailable,
)
from gateway.providers.gigachat.usage import read_v2_usage
from gateway.providers.gigachat.v2_call_ids import CallReference, read_call_id
from gateway.providers.gigachat.v2_chunks import GigaChatV2ChunkReader

STATE = "01a0e373-dc9a-7883-af60-ebb20b79e1e1"
FIRST, SECOND = "9bb6c3b5-2b43-4f20-9d7e-3d4f5a6b7c8d", "51c0d1e2-f3a4-4b5c-8d6e-7f8091a2b3c4"
USAGE = {
    "input_tokens": 1414,
    "input_tokens_details": {"prompt_tokens": 1414, "cached_tokens": 6183},
    "output_tokens": 86,
    "total_tokens": 1500,
}


def reader() -> GigaChatV2ChunkReader:
    return GigaChatV2ChunkReader(
        names=ToolNames([]),
        mint_id=lambda: "0123456789ab",
        redact=lambda text: text.replace("s3cret-key", "***"),
    )


def event(name: str, *messages: JSONObject, **more: Any) -> bytes:
    data = {"model": "GigaChat-3-Ultra:32.3.18.5", "created_at": 1790000000, **more}
    if messages:
        data["messages"] = list(messages)
    return f"event: response.{name}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"


def said(*parts: Any, role: str = "assistant", **more: Any) -> JSONObject:
    content = [{"text": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "content": content, **more}


def call(arguments: Any, identity: str | None = FIRST, name: str = "tram") -> JSONObject:
    own = {} if identity is None else {"id": identity}
    return {"function_call": {**own, "name": name, "arguments": arguments}}


def read(*events: bytes) -> list[ChatChunk]:
    chunks = reader()
    found = [chunks.line(line) for line in b"".join(events).split(b"\n")]
    return [chunk for chunk in (*found, chunks.end()) if chunk is not None]


def done(*messages: JSONObject, finish: str = "stop", **more: Any) -> bytes:
    return event("message.done", *messages, finish_reason=finish, usage=USAGE, **more)


def calls(*events: bytes) -> list[tuple[CallReference | None, str | None, Any]]:
    return [
        (read_call_id(delta.id or ""), delta.name, json.loads(delta.arguments))
        for chunk in read(*events)
        for delta in chunk.tool_calls
    ]


def test_a_stream_is_its_increments_then_the_finish_with_the_usage():
    assert read(
        event("message.delta", said("Думаю", role="reasoning")),
        event("message.delta", said("Во")),
        event("message.delta", said("семь", ".")),
        done(),
    ) == [
        ChatChunk(reasoning="Думаю"),
        ChatChunk(text="Во"),
        ChatChunk(text="семь."),
        ChatChunk(
            finish_reason="stop",
            native_finish_reason="stop",
            usage=Usage(7597, 86, cached_tokens=6183),
        ),
    ]


def test_long_numbers_of_a_call_keep_their_digits():
    message = said(call({"account": "N"}))
    data = done(message, finish="function_call").replace(b'"N"', b"40817810099910004312")
    answer = data.partition(b"data: ")[2]
    for [chunk] in ([reader().whole(answer)], read(data)):
        assert chunk.tool_calls[0].arguments == '{"account":40817810099910004312}'


def test_a_whole_answer_is_one_chunk_of_all_its_messages():
    answer = {
        "messages": [said("Хм", role="reasoning"), said("Во", "семь.")],
        "finish_reason": "stop",
        "usage": USAGE,
    }
    chunk = reader().whole(orjson.dumps(answer))
    assert (chunk.text, chunk.reasoning, chunk.finish_reason) == ("Восемь.", "Хм", "stop")


@pytest.mark.parametrize(
    "events",
    [
        [
            done(
                said(call({"a": 1}), call({"a": 2}, SECOND), tool_state_id=STATE),
                finish="function_call",
            )
        ],
        [
            event("message.delta", said(call({"a": 1}), tools_state_id=STATE)),
            event("message.delta", said(call({"a": 2}, SECOND))),
            done(said(call({"a": 1}), call({"a": 2}, SECOND)), finish="function_call"),
        ],
        [
            event("message.delta", said(call('{"a"'))),
            event("message.delta", said(call(": 1}"))),
            event("message.delta", said(call('{"a": 2}', SECOND))),
            done(said(tool_state_id=STATE), finish="function_call"),
        ],
        [
            done(
                {"role": "assistant", "tool_state_id": STATE, **call({"a": 1})},
                {"role": "assistant", **call({"a": 2}, SECOND)},
                finish="function_call",
            )
        ],
    ],
    ids=["in the last event", "in deltas and again at the end", "in pieces", "beside the parts"],
)
def test_each_call_is_taken_once_wherever_it_stands(events: list[bytes]):
    assert calls(*events) == [
        (CallReference(FIRST, STATE), "tram", {"a": 1}),
        (CallReference(SECOND, STATE), "tram", {"a": 2}),
    ]


def test_calls_without_ids_are_told_apart_by_what_they_say():
    found = calls(
        event("message.delta", said(call({"a": 1}, None))),
        done(said(call({"a": 1}, None), call({"a": 1}, None)), finish="function_call"),
    )
    assert [arguments for _, _, arguments in found] == [{"a": 1}, {"a": 1}]


def test_two_calls_under_one_id_stay_two_with_ids_of_their_own():
    chunks = read(done(said(call({"a": 1}), call({"a": 2})), finish="function_call"))
    ids = [delta.id for delta in chunks[-1].tool_calls]
    assert len(set(ids)) == len(ids) == 2


def test_events_of_built_in_tools_and_unknown_ones_are_passed_over():
    running = {"tool_execution": {"name": "web_search", "id": ""}}
    assert [
        chunk.text
        for chunk in read(
            event("tool.in_progress", said(running)),
            event("tool.completed", said(running)),
            event("message.delta", said({"inline_data": {"sources": {}}})),
            event("something.new", x=1),
            event("message.delta", said("Ответ")),
            done(said(tool_state_id=STATE), finish="function_call"),
        )
    ] == ["Ответ", ""]


def test_text_that_the_last_event_repeats_is_said_once():
    said_once = read(event("message.delta", said("Раз")), done(said("Раз")))
    assert "".join(chunk.text for chunk in said_once) == "Раз"
    assert read(done(said("Раз")))[0].text == "Раз"


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("blacklist", "content_filter"),
        ("request_blacklist", "content_filter"),
        ("request_whitelist", "content_filter"),
        ("request_filter", "content_filter"),
        ("response_blacklist", "content_filter"),
        ("function_call", "stop"),
        ("something_new", "stop"),
    ],
)
def test_a_finish_reason_is_one_of_openai(native: str, finish: str):
    [chunk] = read(done(finish=native))
    assert (chunk.finish_reason, chunk.native_finish_reason) == (finish, native)


def test_the_name_and_the_finish_may_stand_within_the_data():
    data = {"event": "response.message.done", "messages": [said("Раз", finish_reason="length")]}
    [chunk] = read(b"data: " + orjson.dumps(data) + b"\n\n")
    assert (chunk.text, chunk.finish_reason) == ("Раз", "length")


@pytest.mark.parametrize(
    "events",
    [
        [event("message.delta", said("Во"))],
        [event("message.delta", x=1)],
        [event("message.delta", said("Во")), b"data: [DONE]\n\n"],
        [b"data: [1]\n\n"],
        [b'data: {"x": 1}\n\n'],
        [b"data: {\n\n"],
        [event("message.delta", said({"text": 5})), done()],
        [b'event: response.message.delta\ndata: {"messages": "nonsense"}\n\n'],
        [done(said(call({}, name="")), finish="function_call")],
        [done(finish="function_call_error")],
        [done(finish="error")],
        [event("message.done", usage=USAGE)],
    ],
)
def test_what_is_cut_or_not_understood_is_a_failure(events: list[bytes]):
    with pytest.raises(ProviderProtocolError):
        read(*events)


def test_an_error_event_is_the_error_that_it_means_without_secrets():
    with pytest.raises(ProviderRateLimited):
        read(event("error", status=429, message="Too many requests"))
    with pytest.raises(ProviderUnavailable) as broken:
        read(event("message.delta", said("Во")), event("error", what="s3cret-key"))
    assert broken.value.raw is not None
    assert "s3cret-key" not in broken.value.raw


def test_an_error_in_place_of_a_whole_answer_is_what_its_number_means():
    with pytest.raises(ProviderRateLimited):
        reader().whole(b'{"status":429,"message":"Too many requests"}')


def test_probabilities_are_read_wherever_they_stand_and_odd_ones_left_out() -> None:
    chosen = {"token": "Да", "token_id": 1, "logprob": -0.5}
    odd = [5, {"chosen": None}, {"chosen": {"token": 1, "logprob": 0}}]
    told = [{"chosen": chosen, "top": [chosen, {"token": "Нет", "token_id": 2, "logprob": -1}]}]
    expected = TokenLogprob("Да", -0.5, (("Да", -0.5), ("Нет", -1.0)))
    first, last = read(
        event("message.delta", said({"text": "Да", "logprobs": [*told, *odd]})), done()
    )
    assert (first.logprobs, last.logprobs) == ((expected,), ())
    for whole in (
        {"messages": [said("Да", logprobs=told)]},
        {"messages": [said("Да")], "logprobs": told},
    ):
        answer = reader().whole(orjson.dumps(whole | {"finish_reason": "stop"}))
        assert answer.logprobs == (expected,)


@pytest.mark.parametrize(
    "usage",
    [None, [], {}, {"input_tokens": 1}, {"input_tokens": -1, "output_tokens": 1}, "x"],
)
def test_half_a_count_is_none(usage: Any):
    assert read_v2_usage(usage) is None


def test_a_count_may_lack_its_details():
    assert read_v2_usage({"input_tokens": 3, "output_tokens": 1}) == Usage(3, 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["messages", "content", "text", "function_call", "id", "name", "arguments", "role",
             "finish_reason", "usage", "event", "tool_state_id"]
        ),
        inner,
        max_size=4,
    ),
)  # fmt: skip


@given(json_values)
def test_no_answer_raises_anything_but_a_provider_error(value: Any):
    body = json.dumps({"messages": value, "finish_reason": "stop"}).encode()
    with contextlib.suppress(ProviderError):
        reader().whole(body)
    with contextlib.suppress(ProviderError):
        read(b"data: " + json.dumps(value).encode() + b"\n\n")
