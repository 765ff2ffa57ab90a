"""The adapter in front of canned bytes: headers, ends, silences, cuts at every byte."""

import threading
from typing import Any

import orjson
import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers._shared.tool_calls import mint_call_id
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    Tool,
    ToolCall,
    Usage,
)
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UnsupportedInput,
)
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.tick import TICK
from tests.providers.canned import CannedRequest, Step, chunk, reply, stream_head
from tests.providers.openai_compatible.conftest import Make
from tests.providers.openai_compatible.upstream import (
    EIGHT,
    HANG_S,
    KEY,
    NAME,
    USAGE,
    OpenAIUpstream,
    answered,
    called,
    calls_of,
    event,
    piece,
    run,
    said,
    streamed,
    text_of,
    whole,
    written,
)

SILENT = event({"role": "assistant", "content": ""})


def test_a_plain_answer_is_one_chunk(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    upstream.answers.append(answered(whole()))
    (answer,) = run(provider, said("Сколько планет?"))
    assert (answer.text, answer.finish_reason, answer.usage) == ("Восемь.", "stop", Usage(17, 4))
    (request,) = upstream.requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert upstream.bodies[0]["model"] == "qwen3-8b"


def test_a_stream_comes_as_it_is_sent(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    upstream.answers.append(streamed(*EIGHT))
    chunks = run(provider, said(stream=True))
    assert [item.text for item in chunks] == ["Во", "семь.", "", ""]
    assert chunks[-1] == ChatChunk(usage=Usage(17, 4))
    assert upstream.requests[0].headers["accept"] == "text/event-stream"
    assert upstream.bodies[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("key", [None, ""])
def test_a_server_without_a_key_is_asked_without_one(
    make: Make, upstream: OpenAIUpstream, key: str | None
) -> None:
    upstream.answers.append(answered(whole()))
    run(make(api_key=key), said())
    assert "authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize("path", ["", "/", "/api/v3", "/api/v3/"])
def test_the_address_is_used_as_given(make: Make, upstream: OpenAIUpstream, path: str) -> None:
    upstream.answers.append(answered(whole()))
    run(make(base_url=f"{upstream.url}{path}"), said())
    assert upstream.requests[0].target == f"{path.rstrip('/')}/chat/completions"


def test_a_connection_is_kept(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    upstream.answers += [answered(whole()), streamed(*EIGHT), answered({"error": "no"}, 400)]
    run(provider, said())
    run(provider, said(stream=True))
    with pytest.raises(ProviderRejected):
        run(provider, said())
    assert upstream.server.connections == 1


def test_nothing_is_sent_before_the_first_next(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    provider.stream(said(), upstream_id="qwen3-8b", cancel_token=Deadline(HANG_S)).close()
    assert upstream.requests == []


def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    with pytest.raises(UnsupportedInput):
        run(provider, said(n=2))
    assert upstream.requests == []


@pytest.mark.parametrize("address", ["ftp://localhost", "localhost:8000", ""])
def test_an_address_that_is_none_is_refused_at_once(make: Make, address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        make(base_url=address)


def test_a_provider_has_no_counter_and_says_so(provider: OpenAICompatible) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        provider.count_tokens(["раз"], upstream_id="qwen3-8b", timeout_s=HANG_S)
    assert caught.value.provider == NAME
    with pytest.raises(UnsupportedInput) as refused:
        provider.count_chat_tokens(said(), upstream_id="qwen3-8b", timeout_s=HANG_S)
    assert refused.value.param == "model"


def test_a_server_that_cannot_stream_is_understood(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(answered(whole()))
    assert text_of(run(provider, said(stream=True))) == "Восемь."


def test_a_mark_without_a_finish_reason_is_an_orderly_end(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(streamed(*EIGHT[:3]))
    chunks = run(provider, said(stream=True))
    assert (text_of(chunks), chunks[-1].finish_reason) == ("Восемь.", "stop")


def test_a_server_that_streams_unasked_is_understood(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(streamed(*EIGHT))
    assert text_of(run(provider, said())) == "Восемь."


def test_an_error_in_the_place_of_a_stream_is_an_error(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(answered({"error": {"message": "why", "code": 429}}))
    with pytest.raises(ProviderRateLimited):
        run(provider, said(stream=True))


def test_an_error_in_mid_stream_comes_after_what_was_good(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(streamed(*EIGHT[:2], {"error": {"message": "why"}}))
    steps = provider.stream(
        said(stream=True), upstream_id="qwen3-8b", cancel_token=Deadline(HANG_S)
    )
    assert next(steps) == ChatChunk(text="Во")
    with pytest.raises(ProviderUnavailable):
        next(steps)


def test_a_redirect_is_never_followed(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    moved = reply(b"", status=307, Location=f"{upstream.url}/v1/elsewhere")
    upstream.answers += [[moved], answered(whole())]
    with pytest.raises(ProviderUnavailable) as caught:
        run(provider, said())
    assert caught.value.status == 307
    assert len(upstream.requests) == 1


def test_a_limit_names_the_wait_and_is_not_slept_out(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(answered({"error": {"message": "slow"}}, 429, Retry_After="9"))
    with pytest.raises(ProviderRateLimited) as caught:
        run(provider, said(stream=True))
    assert caught.value.retry_after_s == 9.0
    assert len(upstream.requests) == 1


def test_a_refused_key_is_asked_once_and_never_shown(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append(answered({"error": {"message": f"Incorrect API key: {KEY}"}}, 401))
    with pytest.raises(ProviderAuthError) as caught:
        run(provider, said())
    assert KEY not in f"{caught.value} {vars(caught.value)}"
    assert len(upstream.requests) == 1


def test_a_refusal_that_breaks_off_is_known_by_its_status(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    head = reply(b"x" * 100, status=429)[:-50]
    upstream.answers.append([head, "close"])
    with pytest.raises(ProviderRateLimited):
        run(provider, said())


def test_cut_at_any_byte_a_stream_is_an_error_or_whole(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    data = written(*EIGHT)
    finished = data.index(b'"stop"}]}') + len(b'"stop"}]}')
    for size in range(len(data)):
        upstream.answers.append([stream_head(), chunk(data[:size] or b"\n"), chunk(b"")])
        if size < finished:
            with pytest.raises(ProviderProtocolError):
                run(provider, said(stream=True))
        else:
            assert text_of(run(provider, said(stream=True))) == "Восемь."


def test_reset_at_any_event_a_stream_is_an_error_or_whole(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    pieces = streamed(*EIGHT)
    finished = 1 + EIGHT.index(event({}, "stop"))
    for count in range(1, len(pieces)):
        upstream.answers.append([*pieces[:count], "close"])
        if count <= finished:
            with pytest.raises(ProviderProtocolError):
                run(provider, said(stream=True))
        else:
            assert text_of(run(provider, said(stream=True))) == "Восемь."


def test_split_at_any_byte_a_stream_is_the_same(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    data = written(*EIGHT).replace(b"\n\n", b"\r\n\r\n")
    upstream.answers.append([stream_head(), *(chunk(bytes([byte])) for byte in data), chunk(b"")])
    expected = run(provider, said(stream=True))
    assert text_of(expected) == "Восемь."
    for size in range(1, len(data), 5):
        split: list[Step] = [chunk(data[:size]), chunk(data[size:])]
        upstream.answers.append([stream_head(), *split, chunk(b"")])
        assert run(provider, said(stream=True)) == expected


@pytest.mark.parametrize("end", [b"\n\n", b""])
def test_a_line_of_two_megabytes_is_no_answer(
    provider: OpenAICompatible, upstream: OpenAIUpstream, end: bytes
) -> None:
    line = b"data: " + b"x" * 2 * 2**20 + end
    upstream.answers.append([stream_head(), chunk(line), chunk(b"")])
    with pytest.raises(ProviderProtocolError):
        run(provider, said(stream=True))


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream", "application/json"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_page_is_no_answer_whatever_it_is_called(
    provider: OpenAICompatible, upstream: OpenAIUpstream, kind: str, stream: bool
) -> None:
    upstream.answers.append([reply("<html><h1>Welcome</h1></html>", content_type=kind)])
    with pytest.raises(ProviderProtocolError):
        run(provider, said(stream=stream))


def test_silence_is_filled_with_ticks(make: Make, upstream: OpenAIUpstream) -> None:
    pieces = streamed(*EIGHT)
    upstream.answers.append([pieces[0], 0.3, *pieces[1:3], 0.3, *pieces[3:]])
    steps = make(tick_s=0.1).stream(
        said(stream=True), upstream_id="qwen3-8b", cancel_token=Deadline(HANG_S)
    )
    chunks = list(steps)
    first = next(index for index, item in enumerate(chunks) if item != TICK)
    assert TICK in chunks[:first]
    assert TICK in chunks[first:]
    assert text_of(chunks) == "Восемь."


@pytest.mark.parametrize("noise", [written(SILENT, done=False), b": ping\n\n"])
def test_a_server_that_is_busy_without_a_word_makes_ticks(
    make: Make, upstream: OpenAIUpstream, noise: bytes
) -> None:
    busy: list[Step] = [chunk(noise * 100), 0.05, chunk(noise * 100), 0.05] * 5
    pieces = streamed(*EIGHT)
    upstream.answers.append([pieces[0], *busy, *pieces[1:]])
    steps = make(tick_s=0.1).stream(
        said(stream=True), upstream_id="qwen3-8b", cancel_token=Deadline(HANG_S)
    )
    chunks = list(steps)
    assert 0 < chunks.count(TICK) < 500
    assert text_of(chunks) == "Восемь."


def test_silence_past_the_read_timeout_is_a_timeout(make: Make, upstream: OpenAIUpstream) -> None:
    upstream.answers.append([*streamed(*EIGHT)[:3], "hold"])
    with pytest.raises(ProviderTimeout):
        run(make(read_timeout_s=0.3), said(stream=True))


def test_the_total_time_is_kept(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    pings: list[Step] = [chunk(b": ping\n\n"), 0.05]
    upstream.answers.append([stream_head(), *pings * 200])
    with pytest.raises(ProviderTimeout):
        run(provider, said(stream=True), Deadline(0.5))


def test_a_reader_who_leaves_closes_the_connection(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    upstream.answers.append([*streamed(*EIGHT)[:3], "hold"])
    steps = provider.stream(
        said(stream=True), upstream_id="qwen3-8b", cancel_token=Deadline(HANG_S)
    )
    assert next(steps) == ChatChunk(text="Во")
    steps.close()
    assert upstream.server.left.wait(HANG_S)


def test_a_call_is_made_answered_and_named_as_the_caller_named_it(
    provider: OpenAICompatible, upstream: OpenAIUpstream
) -> None:
    tool = Tool("погода сейчас")
    sent: list[Any] = []

    def answer(request: CannedRequest) -> list[Step]:
        body = orjson.loads(request.body)
        sent.append(body)
        name = body["tools"][0]["function"]["name"]
        first = called(piece('{"city": ', index=0, id="call_1", name=name))
        return streamed(
            first, called(piece('"Омск"}', index=0)), event({}, "tool_calls", usage=USAGE)
        )

    upstream.answers += [answer, streamed(*EIGHT)]
    chunks = run(provider, said(tools=(tool,), stream=True))
    assert calls_of(chunks) == [("call_1", "погода сейчас", '{"city": "Омск"}')]
    call = ToolCall(*calls_of(chunks)[0])
    turns = (
        Message("user", "Привет"),
        Message("assistant", tool_calls=(call,)),
        Message("tool", "минус 5", tool_call_id="call_1", name=call.name),
    )
    run(provider, ChatRequest(turns, tools=(tool,), stream=True))
    replayed = upstream.bodies[1]["messages"][1]["tool_calls"][0]["function"]
    assert replayed["name"] == sent[0]["tools"][0]["function"]["name"]


def test_ids_of_our_own_are_never_alike() -> None:
    assert len({mint_call_id() for _ in range(100)}) == 100


def test_threads_share_an_adapter(provider: OpenAICompatible, upstream: OpenAIUpstream) -> None:
    upstream.answers += [streamed(*EIGHT)] * 8
    texts: list[str] = []

    def ask() -> None:
        texts.append(text_of(run(provider, said(stream=True))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert texts == ["Восемь."] * 8
