"""Answers read as they come: whole and cut, in time and late, within bounds and past them."""

import time
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.providers._shared.http_client import Deadline, HttpClient, drain
from gateway.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderTimeout,
)
from gateway.providers.tick import TICK, Tick
from tests.providers.asking import HANG_S, OpenClient, always, fetch, read_lines, send
from tests.providers.canned import CannedServer, Step, chunk, reply, stream_head


def ticks_and_result(steps: Generator[Tick, None, Any]) -> tuple[int, Any]:
    ticks = 0
    while True:
        try:
            assert next(steps) == TICK
        except StopIteration as end:
            return ticks, end.value
        ticks += 1


def test_an_answer_without_a_length_ends_with_its_connection(open_client: OpenClient):
    with CannedServer(always(b"HTTP/1.1 200 OK\r\n\r\nab", b"cd", "close")) as server:
        assert fetch(open_client(server.url)) == b"abcd"


def test_a_provisional_answer_is_passed_over(open_client: OpenClient):
    raw = b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" + reply("ok")
    with CannedServer(always(raw)) as server:
        response = send(open_client(server.url))
        assert response.status == 200
        assert "x-a" not in response.headers
        assert drain(response.read()) == b"ok"
        response.close()


@pytest.mark.parametrize(
    "steps",
    [
        [b"NOT HTTP AT ALL\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n"],
        [b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 200_000],
        [b"HTTP/1.1 20"],
    ],
)
def test_a_head_that_is_no_http_is_a_protocol_error(open_client: OpenClient, steps: list[Step]):
    with CannedServer(always(*steps, "close")) as server, pytest.raises(ProviderProtocolError):
        send(open_client(server.url))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none\ntw",
        stream_head() + chunk("one\n") + chunk("tw"),
        stream_head() + chunk("one\n") + b"zz\r\n",
    ],
)
def test_a_cut_body_delivers_what_came_and_then_fails(open_client: OpenClient, raw: bytes):
    with CannedServer(always(raw, "close")) as server:
        response = send(open_client(server.url))
        lines = iter(response.lines())
        assert next(lines) == b"one"
        with pytest.raises(ProviderProtocolError):
            next(lines)
        response.close()


def test_a_cut_body_cannot_be_read_whole(open_client: OpenClient):
    with (
        CannedServer(always(stream_head() + chunk("ab"), "close")) as server,
        pytest.raises(ProviderProtocolError),
    ):
        fetch(open_client(server.url))


def test_a_reset_in_the_middle_is_an_error(open_client: OpenClient):
    with (
        CannedServer(always(stream_head() + chunk("one\n"), 0.05, "reset")) as server,
        pytest.raises(ProviderError),
    ):
        read_lines(open_client(server.url))


def test_lines_may_end_in_three_ways_and_the_last_not_at_all(open_client: OpenClient):
    raw = stream_head() + chunk("a\r\n\nb\r") + chunk("\nc\u2028d\re\r") + chunk("f") + chunk("")
    with CannedServer(always(raw)) as server:
        lines = read_lines(open_client(server.url))
        assert lines == [b"a", b"", b"b", "c\u2028d".encode(), b"e", b"f"]


def test_a_stream_may_end_between_the_halves_of_a_line_end(open_client: OpenClient):
    steps = always(stream_head(), chunk("a\r"), 0.02, chunk("\n"), 0.02, chunk(""))
    with CannedServer(steps) as server:
        assert read_lines(open_client(server.url)) == [b"a"]


def test_a_stream_read_to_its_end_keeps_its_connection(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n") + chunk(""))) as server:
        client = open_client(server.url)
        assert read_lines(client) == read_lines(client) == [b"a"]
        assert server.connections == 1


def test_a_drained_stream_keeps_its_connection(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), 0.005, chunk(""))) as server:
        client = open_client(server.url)
        for _ in range(2):
            response = send(client)
            assert next(iter(response.lines())) == b"a"
            response.drain()
            response.close()
        assert server.connections == 1


def test_draining_does_not_wait_for_a_peer_that_never_ends(open_client: OpenClient):
    with CannedServer(always(stream_head() + chunk("a\n"), "hold")) as server:
        response = send(open_client(server.url))
        assert next(iter(response.lines())) == b"a"
        response.drain()
        response.close()
        assert server.left.wait(HANG_S)


def test_silence_before_the_head_ticks(open_client: OpenClient):
    with CannedServer(always(0.1, reply("ok"))) as server:
        client = open_client(server.url, tick_s=0.01)
        steps = client.send("POST", "/", headers={}, body=b"", cancel_token=Deadline(HANG_S))
        ticks, response = ticks_and_result(steps)
        response.close()
    assert ticks >= 2


def test_silence_within_a_body_ticks_also_while_bytes_drip(open_client: OpenClient):
    drip: list[Step] = [step for byte in b"12345678" for step in (bytes([byte]), 0.02)]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
    with CannedServer(always(head, *drip)) as server:
        client = open_client(server.url, tick_s=0.03)
        response = send(client)
        ticks, body = ticks_and_result(response.read())
        assert (ticks >= 2, body) == (True, b"12345678")
        response.close()
        response = send(client)
        assert list(response.lines()).count(TICK) >= 2
        response.close()


@pytest.mark.parametrize(
    "steps", [["hold"], [stream_head() + chunk("one\n"), "hold"], [b"HTTP/1.1 ", "hold"]]
)
def test_silence_past_the_read_timeout_is_a_timeout(open_client: OpenClient, steps: list[Step]):
    with CannedServer(always(*steps)) as server:
        client = open_client(server.url, tick_s=0.02, read_timeout_s=0.1)
        with pytest.raises(ProviderTimeout):
            read_lines(client)
        assert server.left.wait(HANG_S)


def test_a_slow_reader_is_not_a_silent_provider(open_client: OpenClient):
    steps: list[Step] = [stream_head() + chunk("one\n"), 1.2, chunk("two\n") + chunk("")]
    with CannedServer(always(*steps)) as server:
        response = send(open_client(server.url, tick_s=5.0, read_timeout_s=1.0))
        lines = iter(response.lines())
        assert next(lines) == b"one"
        time.sleep(0.8)
        assert list(lines) == [b"two"]
        response.close()


def test_the_total_time_ends_a_drip_that_beats_the_read_timeout(open_client: OpenClient):
    drip: list[Step] = [step for _ in range(100) for step in (chunk("a"), 0.02)]
    with CannedServer(always(stream_head(), *drip)) as server:
        response = send(open_client(server.url), cancel_token=Deadline(0.3))
        with pytest.raises(ProviderTimeout):
            list(response.lines())
        response.close()
        assert len(drip) > 50


def test_a_line_of_two_megabytes_is_a_protocol_error(open_client: OpenClient):
    with (
        CannedServer(always(stream_head(), chunk(b"a" * 2_000_000 + b"\n"))) as server,
        pytest.raises(ProviderProtocolError, match="line"),
    ):
        read_lines(open_client(server.url))


def test_a_body_past_its_bound_is_a_protocol_error(open_client: OpenClient):
    piece = chunk(b"a" * 1_000_000)
    with (
        CannedServer(always(stream_head(), *[piece] * 18)) as server,
        pytest.raises(ProviderProtocolError, match="too many bytes"),
    ):
        fetch(open_client(server.url))


def test_an_endless_stream_is_a_protocol_error(open_client: OpenClient):
    piece = chunk((b"a" * 99 + b"\n") * 20_000)
    with CannedServer(always(stream_head(), *[piece] * 40)) as server:
        response = send(open_client(server.url))
        with pytest.raises(ProviderProtocolError, match="stream"):
            for _ in response.lines():
                pass
        response.close()


def test_endless_trailers_are_a_protocol_error(open_client: OpenClient):
    steps = [stream_head() + chunk("a\n") + b"0\r\nX-Trailer: ", *[b"a" * 10_000] * 20]
    with (
        CannedServer(always(*steps)) as server,
        pytest.raises(ProviderProtocolError, match="headers"),
    ):
        read_lines(open_client(server.url))


def test_a_compressed_body_is_not_opened(open_client: OpenClient):
    with CannedServer(always(reply(b"\x1f\x8b", Content_Encoding="gzip"))) as server:
        client = open_client(server.url)
        with pytest.raises(ProviderProtocolError, match="compressed"):
            fetch(client)
        with pytest.raises(ProviderProtocolError, match="compressed"):
            read_lines(client)


TEXT = 'data: {"я": 1}\r\n\r\n: слово\n\ndata\r\rdata:конец'.encode()
LINES = [
    b'data: {"\xd1\x8f": 1}',
    b"",
    ": слово".encode(),
    b"",
    b"data",
    b"",
    "data:конец".encode(),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_lines_are_the_same_however_the_bytes_are_cut(cuts: list[int]):
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[a:b] for a, b in pairwise(places) if a != b]
    raw = b"".join(map(chunk, pieces)) + chunk("")
    middle = len(raw) // 2
    with CannedServer(always(stream_head(), raw[:middle], raw[middle:])) as server:
        client = HttpClient(server.url, provider="someone")
        try:
            assert read_lines(client) == LINES
        finally:
            client.close()
