"""Anthropic's Messages API: what is written of an answer, whole and in events."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from gateway.api.dialects.anthropic_messages import ANTHROPIC_MESSAGES, MessageWriter, error_body
from gateway.api.errors import Failure
from gateway.pipeline.execution.stream import Completion, CompletionOutcome, CompletionStream
from gateway.providers.chat_types import (
    ChatChunk,
    FinishReason,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.tick import TICK, Tick
from tests.api.documented import check
from tests.api.messages_bodies import JSON, events_of


class Ended:
    """A completion that has ended: what a writer reads of a CompletionStream."""

    id = "gen-" + "0" * 31 + "7"
    estimated_prompt_tokens = 13
    candidate = SimpleNamespace(
        model=SimpleNamespace(id="gigachat-2"), route=SimpleNamespace(provider="gigachat")
    )

    def __init__(self, outcome: CompletionOutcome, chunks: Sequence[ChatChunk | Tick]) -> None:
        self.outcome = outcome
        self._chunks = chunks

    def __iter__(self) -> Iterator[ChatChunk | Tick]:
        yield from self._chunks


def ended(
    *chunks: ChatChunk | Tick, finish: FinishReason = "stop", stop_sequence: str | None = None
) -> CompletionStream:
    outcome = CompletionOutcome(finish, None, Usage(14, 6, 2, 1), 1_300_000, stop_sequence)
    return cast("CompletionStream", Ended(outcome, chunks))


def wire(document: object) -> Any:
    return orjson.loads(orjson.dumps(document))


def streamed(*chunks: ChatChunk | Tick, writer: MessageWriter, **fields: Any) -> list[JSON]:
    events = events_of(b"".join(writer.events(ended(*chunks, **fields))))
    for event in events:
        check(event, "AnthropicEvent")
    return events


@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
    ],
)
def test_a_whole_answer_is_as_documented(finish: FinishReason, stop_reason: str) -> None:
    completion = Completion("Да.", "Хм.", (ToolCall("a", "weather", '{"city":"Томск"}'),))
    body = wire(MessageWriter(has_thinking=True).answer(completion, ended(finish=finish)))

    check(body, "AnthropicMessage")
    assert body["id"] == "msg_" + "0" * 31 + "7"
    assert (body["stop_reason"], body["stop_sequence"]) == (stop_reason, None)
    assert [block["type"] for block in body["content"]] == ["thinking", "text", "tool_use"]
    assert body["usage"] == {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "output_tokens": 6,
        "cost": 0.0013,
    }


def test_an_empty_answer_has_no_block_and_thoughts_not_asked_for_are_not_shown() -> None:
    body = MessageWriter().answer(Completion("", "Хм.", ()), ended())

    assert body["content"] == []
    assert [event["type"] for event in streamed(writer=MessageWriter())] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


def test_a_refusal_is_text_that_the_stop_reason_names() -> None:
    completion = Completion("", "", (), refusal="Не могу.")
    body = MessageWriter().answer(completion, ended())
    *_, delta, _ = events = streamed(ChatChunk(refusal="Не могу."), writer=MessageWriter())

    assert body["content"] == [{"type": "text", "text": "Не могу."}]
    assert body["stop_reason"] == delta["delta"]["stop_reason"] == "refusal"
    assert [event["delta"]["text"] for event in events if "text" in event.get("delta", {})] == [
        "Не могу."
    ]


def test_the_sequence_that_cut_an_answer_is_named() -> None:
    body = MessageWriter().answer(Completion("М", "", ()), ended(stop_sequence="ос"))

    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "ос")


def test_arguments_that_are_no_object_are_not_lost() -> None:
    completion = Completion("", "", (ToolCall("a", "weather", '{"city": "То'),))
    [block] = MessageWriter().answer(completion, ended(finish="length"))["content"]

    assert block["input"] == {"arguments": '{"city": "То'}


def test_long_numbers_of_arguments_keep_their_digits() -> None:
    written = '{"account":40817810099910004312}'
    completion = Completion("", "", (ToolCall("a", "pay", written),))
    answer = MessageWriter().answer(completion, ended(finish="tool_calls"))

    assert f'"input":{written}' in orjson.dumps(answer).decode()


def test_one_block_is_open_at_a_time_and_each_is_opened_by_its_first_delta() -> None:
    events = streamed(
        TICK,
        ChatChunk(reasoning="Хм."),
        ChatChunk(text="Смотрю"),
        TICK,
        ChatChunk(text=" погоду."),
        ChatChunk(tool_calls=(ToolCallDelta(0, "a", "weather", '{"city":'),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments='"Томск"}'),)),
        ChatChunk(tool_calls=(ToolCallDelta(1, "b", "now"),)),
        writer=MessageWriter(has_thinking=True),
        finish="tool_calls",
    )

    assert [(event["type"], event.get("index")) for event in events] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("ping", None),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_delta", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    pieces = [
        event["delta"].get("partial_json")
        for event in events
        if "index" in event and "delta" in event
    ]
    assert [piece for piece in pieces if piece] == ['{"city":', '"Томск"}', "{}"]
    assert events[0]["message"]["usage"]["input_tokens"] == 13
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert events[-2]["usage"]["input_tokens"] == 12  # fmt: skip


def test_pieces_of_calls_that_are_mixed_fail_loudly() -> None:
    mixed = ended(
        ChatChunk(tool_calls=(ToolCallDelta(0, "a", "weather"),)),
        ChatChunk(tool_calls=(ToolCallDelta(1, "b", "now"),)),
        ChatChunk(tool_calls=(ToolCallDelta(0, arguments="{}"),)),
    )

    with pytest.raises(ProviderProtocolError):
        list(MessageWriter().events(mixed))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_the_type_of_an_error_follows_from_its_status(status: int, kind: str) -> None:
    body = wire(error_body(Failure(status, "code", "Why.", "field", {"limit": 7})))

    check(body, "AnthropicError")
    assert (body["error"]["type"], body["error"]["message"]) == (kind, "Why.")
    assert body["error"]["details"] == {"error_code": "code", "param": "field", "limit": 7}


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({}, None),
        ({"x-api-key": "K"}, "Bearer K"),
        ({"Authorization": "Bearer K"}, "Bearer K"),
        ({"Authorization": "Bearer K", "x-api-key": "sk-other"}, "Bearer K"),
    ],
)
def test_the_key_comes_in_either_header(headers: JSON, credential: str | None) -> None:
    assert ANTHROPIC_MESSAGES.credential(headers) == credential
