"""Streams of GigaChat: as they are sent, cut anywhere, broken, silent or left."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers._shared.http_client import Deadline
from gateway.providers.base import Abort
from gateway.providers.chat_types import (
    ChatChunk,
    Usage,
)
from gateway.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderTimeout,
)
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.tick import TICK, Tick
from tests.providers.asking import chunks_in
from tests.providers.canned import CannedRequest, Step, chunk, reply, stream_head
from tests.providers.gigachat.conftest import MakeGigaChat
from tests.providers.gigachat.upstream import (
    EIGHT,
    HANG_S,
    KEY,
    GigaChatUpstream,
    event,
    run,
    said,
    streamed,
    whole,
)


def test_a_stream_comes_as_it_is_sent(gigachat: GigaChat, upstream: GigaChatUpstream):
    first_was_read = threading.Event()

    def answer(_: CannedRequest) -> Iterator[Step]:
        yield stream_head()
        yield chunk(EIGHT[0])
        assert first_was_read.wait(HANG_S)
        yield chunk(EIGHT[1] + EIGHT[2])
        yield chunk("")

    upstream.answers.append(answer)
    chunks = gigachat.stream(
        said(stream=True), upstream_id="GigaChat-2", cancel_token=Deadline(HANG_S)
    )
    assert next(chunks) == ChatChunk(text="Во")
    first_was_read.set()
    assert [(item.text, item.finish_reason) for item in chunks_in(chunks)] == [
        ("семь.", None),
        ("", "stop"),
    ]
    assert upstream.requests[0].headers["accept"] == "text/event-stream"


def test_a_stream_cut_at_any_byte_says_the_same(gigachat: GigaChat, upstream: GigaChatUpstream):
    raw = b"".join(step for step in streamed(*EIGHT) if isinstance(step, bytes))
    upstream.answers += [[raw]] + [[raw[:at], raw[at:]] for at in range(1, len(raw))]
    whole_stream = run(gigachat, said(stream=True))
    assert "".join(item.text for item in whole_stream) == "Восемь."
    for _ in range(1, len(raw)):
        assert run(gigachat, said(stream=True)) == whole_stream


@settings(max_examples=50, deadline=None)
@given(text=st.text(min_size=1, max_size=40), cuts=st.lists(st.integers(0, 5_000), max_size=20))
def test_a_stream_cut_anywhere_into_pieces_says_the_same(text: str, cuts: list[int]):
    events = [event({"content": letter}) for letter in text]
    steps = streamed(*events, event({"content": ""}, finish_reason="stop"))
    raw = b"".join(step for step in steps if isinstance(step, bytes))
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    upstream = GigaChatUpstream()
    upstream.answers.append([raw[start:end] for start, end in pairwise(places)])
    with upstream.serve():
        gigachat = GigaChat(
            base_url=upstream.url,
            auth_url=f"{upstream.url}/oauth",
            credentials=KEY,
            scope="GIGACHAT_API_PERS",
        )
        chunks = run(gigachat, said(stream=True))
        gigachat.close()
    assert "".join(chunk.text for chunk in chunks) == text
    assert chunks[-1].finish_reason == "stop"


def test_connections_outlive_streams(gigachat: GigaChat, upstream: GigaChatUpstream):
    for _ in range(3):
        upstream.answers.append(streamed(*EIGHT))
        run(gigachat, said(stream=True))
    assert {request.connection for request in upstream.requests} == {1}


def test_a_stream_answered_as_a_whole_is_understood(gigachat: GigaChat, upstream: GigaChatUpstream):
    upstream.answers.append([whole()])
    assert run(gigachat, said(stream=True))[0].text == "Восемь."


@pytest.mark.parametrize(
    "steps",
    [
        streamed(*EIGHT[:2], done=False),
        streamed(*EIGHT[:2]),
        [stream_head(), chunk(EIGHT[0]), "close"],
        streamed(EIGHT[0], b"data: oops\n\n", *EIGHT[1:]),
        streamed(EIGHT[0], b"data: " + b"x" * 2_000_000 + b"\n\n"),
        [reply("<html>", content_type="text/html")],
    ],
)
def test_a_stream_that_breaks_is_an_error_after_what_came(
    gigachat: GigaChat, upstream: GigaChatUpstream, steps: list[Step]
):
    upstream.answers.append(steps)
    chunks = gigachat.stream(
        said(stream=True), upstream_id="GigaChat-2", cancel_token=Deadline(HANG_S)
    )
    found: list[Tick | ChatChunk] = []
    with pytest.raises(ProviderProtocolError):
        found.extend(chunks)
    assert all(item.finish_reason is None for item in chunks_in(found))


@pytest.mark.parametrize("tail", [[], [chunk(b'data: {"choi')], [chunk(b"data: [DO")], ["hold"]])
def test_a_connection_that_breaks_behind_the_finish_breaks_no_answer(
    make_gigachat: MakeGigaChat, upstream: GigaChatUpstream, tail: list[Step]
):
    upstream.answers.append([stream_head(), *map(chunk, EIGHT), *tail, "close"])
    chunks = run(make_gigachat(read_timeout_s=0.3), said(stream=True))
    assert "".join(item.text for item in chunks) == "Восемь."
    assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", Usage(19, 4, cached_tokens=2))


def test_a_stream_left_by_its_reader_is_closed_upstream(
    gigachat: GigaChat, upstream: GigaChatUpstream
):
    upstream.answers.append([stream_head(), chunk(EIGHT[0]), "hold"])
    chunks = gigachat.stream(
        said(stream=True), upstream_id="GigaChat-2", cancel_token=Deadline(HANG_S)
    )
    next(chunks)
    chunks.close()
    assert upstream.left.wait(HANG_S)


def test_silence_ticks_and_may_be_cut_by_the_caller(
    make_gigachat: MakeGigaChat, upstream: GigaChatUpstream
):
    class Watched(Deadline):
        def bind(self, abort: Abort) -> None:
            self.abort = abort

    cancel_token = Watched(HANG_S)
    upstream.answers.append([stream_head(), chunk(EIGHT[0]), "hold"])
    gigachat = make_gigachat(tick_s=0.05)
    chunks = gigachat.stream(said(stream=True), upstream_id="GigaChat-2", cancel_token=cancel_token)
    assert [next(chunks), next(chunks)] == [ChatChunk(text="Во"), TICK]
    cancel_token.abort()
    with pytest.raises(ProviderError):
        list(chunks)
    assert upstream.left.wait(HANG_S)


def test_the_read_timeout_holds_for_the_token_too(
    make_gigachat: MakeGigaChat, upstream: GigaChatUpstream
):
    upstream.token_answer = lambda _: [1.0, upstream.token()]
    with pytest.raises(ProviderTimeout):
        run(make_gigachat(read_timeout_s=0.2), said())
    assert upstream.requests == []


def test_the_read_timeout_and_the_total_time_hold(
    make_gigachat: MakeGigaChat, upstream: GigaChatUpstream
):
    drip: list[Step] = [chunk(EIGHT[0]), 0.02]
    upstream.answers += [["hold"], [stream_head(), *drip * 200]]
    gigachat = make_gigachat(read_timeout_s=0.2)
    with pytest.raises(ProviderTimeout):
        run(gigachat, said())
    with pytest.raises(ProviderTimeout):
        run(gigachat, said(stream=True), Deadline(0.3))
    assert len(upstream.requests) == 2
