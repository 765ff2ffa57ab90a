"""Lines of an answer become chunks; what is no answer becomes an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.chat_types import ToolCallDelta, Usage
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.usage import read_usage
from tests.providers.yandexgpt.wire import USAGE, chunks_of, line, reader, result, text_of

CALL = {"name": "tram_times", "arguments": {"stop": "Вокзал"}}


@pytest.mark.parametrize(
    ("status", "finish"),
    [
        ("FINAL", "stop"),
        ("TRUNCATED_FINAL", "length"),
        ("CONTENT_FILTER", "content_filter"),
        ("UNSPECIFIED", "stop"),
    ],
)
def test_every_status_has_its_finish_reason(status: str, finish: str) -> None:
    (chunk,) = chunks_of(line("Казань", status))
    assert (chunk.text, chunk.finish_reason) == ("Казань", finish)
    assert chunk.native_finish_reason == f"ALTERNATIVE_STATUS_{status}"


def test_a_stream_gives_increments_and_usage_in_every_chunk() -> None:
    first = {**USAGE, "completionTokens": "1"}
    chunks = chunks_of(line("Казань стоит", "PARTIAL", usage=first), line("Казань стоит на Волге"))
    assert [chunk.text for chunk in chunks] == ["Казань ", "стоит на Волге"]
    assert [chunk.usage for chunk in chunks] == [Usage(27, 1), Usage(27, 2)]
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop"]


def test_half_a_character_waits_for_the_other_half() -> None:
    lines = line("Пр~", "PARTIAL"), line("Пр👋 и", "PARTIAL"), line("Пр👋 и~", "TRUNCATED_FINAL")
    chunks = chunks_of(*(each.replace(b"~", rb"\ud83d") for each in lines))
    assert text_of(chunks) == "Пр👋 и"


def test_a_revision_is_marked_on_its_chunk() -> None:
    texts = [
        ("один два три", "PARTIAL"),
        ("один шесть три", "PARTIAL"),
        ("один шесть три", "FINAL"),
    ]
    chunks = chunks_of(*[line(*text) for text in texts])
    assert [chunk.rewritten for chunk in chunks] == [False, True, False]
    assert text_of(chunks) == "один два шесть три"


def test_calls_get_ids_indices_and_readable_arguments() -> None:
    reading = reader("tram_times", "bus times")
    chunk = reading.line(line(None, "TOOL_CALLS", calls=[CALL, {"name": "bus_times"}]))
    assert chunk is not None
    assert chunk.finish_reason == "tool_calls"
    assert chunk.tool_calls == (
        ToolCallDelta(0, "call-0", "tram_times", '{"stop":"Вокзал"}'),
        ToolCallDelta(1, "call-1", "bus times", "{}"),
    )


def test_text_before_calls_is_let_go_with_them() -> None:
    chunks = chunks_of(line("Сейчас посмотрю", "PARTIAL"), line(None, "TOOL_CALLS", calls=[CALL]))
    assert text_of(chunks) == "Сейчас посмотрю"
    assert len(chunks[-1].tool_calls) == 1


def test_calls_of_a_partial_line_are_kept_for_the_finish() -> None:
    chunks = chunks_of(line(None, "PARTIAL", calls=[CALL]), line(None, "TOOL_CALLS"))
    assert [len(chunk.tool_calls) for chunk in chunks] == [0, 1]


def test_a_final_status_with_calls_finishes_with_tool_calls() -> None:
    assert chunks_of(line(None, "FINAL", calls=[CALL]))[0].finish_reason == "tool_calls"


def test_a_filtered_answer_bears_no_calls() -> None:
    (chunk,) = chunks_of(line("Нет", "CONTENT_FILTER", calls=[CALL]))
    assert (chunk.finish_reason, chunk.tool_calls) == ("content_filter", ())


def test_empty_lines_say_nothing() -> None:
    assert reader().line(b"") is None
    assert reader().line(b" \r") is None


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (USAGE, Usage(27, 2)),
        ({"inputTextTokens": 27, "completionTokens": 2}, Usage(27, 2)),
        (
            {**USAGE, "completionTokensDetails": {"reasoningTokens": "1"}},
            Usage(27, 2, reasoning_tokens=1),
        ),
        ({**USAGE, "completionTokensDetails": {"reasoningTokens": "99"}}, Usage(27, 2, 0, 2)),
        ({**USAGE, "completionTokensDetails": None}, Usage(27, 2)),
        ({"inputTextTokens": "0", "completionTokens": "0"}, Usage(0, 0)),
        (None, None),
        ([], None),
        ({"inputTextTokens": "27"}, None),
        ({"inputTextTokens": "-5", "completionTokens": "2"}, None),
        ({"inputTextTokens": -5, "completionTokens": 2}, None),
        ({"inputTextTokens": "1000000000000", "completionTokens": "2"}, None),
        ({"inputTextTokens": "9" * 30, "completionTokens": "2"}, None),
        ({"inputTextTokens": "2.5", "completionTokens": "2"}, None),
        ({"inputTextTokens": True, "completionTokens": "2"}, None),
        ({"inputTextTokens": "²", "completionTokens": "2"}, None),
    ],
)
def test_usage_is_read_or_left_out_but_never_invented(usage: Any, read: Usage | None) -> None:
    assert read_usage(usage) == read


def without(*path: str | int, by: Any = None) -> bytes:
    """Spoil one place of a good answer."""
    answer: Any = result("Казань")
    place = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = by
    return json.dumps(answer).encode()


FIRST = ("result", "alternatives", 0)
NESTED = b'{"a":' * 300 + b"1" + b"}" * 300


@pytest.mark.parametrize(
    "spoilt",
    [
        b"<html>",
        b'{"result": ',
        b'"\xff\xfe"',
        b"[]",
        b"null",
        b"{}",
        without("result"),
        without("result", by="text"),
        without("result", "alternatives"),
        without("result", "alternatives", by=[]),
        without("result", "alternatives", by="nonsense"),
        without("result", "alternatives", by=["nonsense"]),
        without(*FIRST, "message"),
        without(*FIRST, "message", by="Казань"),
        without(*FIRST, "status"),
        without(*FIRST, "status", by=3),
        without(*FIRST, "status", by="ALTERNATIVE_STATUS_NEW"),
        without(*FIRST, "message", "text", by=["Казань"]),
        line(None, "TOOL_CALLS"),
        line(None, "TOOL_CALLS", calls=[{"name": "a", "arguments": {}}]).replace(b"{}", NESTED),
        line(None, "TOOL_CALLS", calls=[{"name": "", "arguments": {}}]),
        line(None, "TOOL_CALLS", calls=[{"name": "a", "arguments": "{}"}]),
        without(*FIRST, "message", "toolCallList", by="nonsense"),
        without(*FIRST, "message", "toolCallList", by={"toolCalls": "nonsense"}),
        without(*FIRST, "message", "toolCallList", by={"toolCalls": [{}]}),
        without(*FIRST, "message", "toolCallList", by={"toolCalls": ["nonsense"]}),
    ],
)
def test_what_is_no_answer_is_a_protocol_error(spoilt: bytes) -> None:
    with pytest.raises(ProviderProtocolError):
        chunks_of(spoilt)


def test_a_stream_that_ends_partial_was_cut() -> None:
    with pytest.raises(ProviderProtocolError):
        chunks_of(line("Каз", "PARTIAL"))


def test_an_answer_without_a_line_was_cut() -> None:
    with pytest.raises(ProviderProtocolError):
        chunks_of()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"grpcCode": 8, "httpCode": 429, "message": "quota"}, ProviderRateLimited),
        ({"grpc_code": 16, "http_code": 401, "message": "token"}, ProviderAuthError),
        ({"code": 14, "message": "away"}, ProviderUnavailable),
        ({"code": 3, "message": "empty message text"}, ProviderRejected),
        ({"httpCode": 200, "message": "odd"}, ProviderUnavailable),
        ({}, ProviderUnavailable),
        ("odd", ProviderUnavailable),
    ],
)
def test_an_error_in_mid_stream_is_of_the_kind_its_code_means(
    error: Any, kind: type[ProviderError]
) -> None:
    reading = reader()
    reading.line(line("Каз", "PARTIAL"))
    with pytest.raises(kind) as raised:
        reading.line(json.dumps({"error": error}).encode())
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 8, "message": "quota", "details": []}, ProviderRateLimited),
        ({"code": 3, "message": "empty message text"}, ProviderRejected),
        ({"error_code": "UNAVAILABLE", "error_message": "rpc error"}, ProviderUnavailable),
    ],
)
def test_an_error_without_an_envelope_is_one_too(error: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as raised:
        reader().line(json.dumps(error).encode())
    assert type(raised.value) is kind


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_growing_lines_add_up_to_the_final_text(text: str, cuts: list[int]) -> None:
    partials = [line(text[:cut], "PARTIAL") for cut in sorted(cuts)]
    chunks = chunks_of(*partials, line(text))
    assert text_of(chunks) == text
    assert chunks[-1].finish_reason == "stop"
