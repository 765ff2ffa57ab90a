"""Requests over the network and the connections they share, against raw bytes on loopback."""

import pathlib
import socket
import threading
from collections.abc import Sequence

import pytest

from gateway.providers._shared.http_client import Deadline, HttpClient, drain
from gateway.providers.errors import (
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.tick import TICK
from tests.providers.asking import HANG_S, OpenClient, always, fetch, send
from tests.providers.canned import CannedRequest, CannedServer, Step, reply
from tests.providers.certificates import make_certificate, server_tls


def test_a_request_says_what_it_must_and_no_more(open_client: OpenClient):
    with CannedServer(always(reply("yes"))) as server:
        client = open_client(f"{server.url}/api/v1/")
        assert fetch(client, body="тело".encode(), headers={"Authorization": "Bearer t"}) == b"yes"
        (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/api/v1/ask")
    assert request.body.decode() == "тело"
    assert dict(request.headers) == {
        "host": server.url.removeprefix("http://"),
        "user-agent": "XRouter",
        "accept-encoding": "identity",
        "authorization": "Bearer t",
        "content-length": "8",
    }


def test_header_names_of_an_answer_are_lower_case_and_repeated_ones_joined(
    open_client: OpenClient,
):
    raw = b"HTTP/1.1 200 OK\r\nX-Two: a\r\nContent-Length: 0\r\nx-two: b\r\n\r\n"
    with CannedServer(always(raw)) as server:
        response = send(open_client(server.url))
        assert (response.status, response.headers["x-two"]) == (200, "a, b")
        response.close()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_header_that_breaks_its_line_is_refused(open_client: OpenClient, value: str):
    with pytest.raises(ValueError, match="X-Session-ID"):
        send(open_client("http://127.0.0.1:9"), headers={"X-Session-ID": value})


def test_a_header_may_hold_any_other_text(open_client: OpenClient):
    with CannedServer(always(reply("ok"))) as server:
        assert fetch(open_client(server.url), headers={"X-Session": "привет \ud800"}) == b"ok"
        assert server.requests[0].headers["x-session"] == "привет ?"


@pytest.mark.parametrize("url", ["ftp://host", "https://", "host:80"])
def test_an_address_that_is_none_is_refused(url: str):
    with pytest.raises(ValueError, match="address"):
        HttpClient(url, provider="someone")


def test_a_missing_ca_bundle_is_no_reason_to_go_without(tmp_path: pathlib.Path):
    with pytest.raises(OSError, match="No such file"):
        HttpClient("https://host", provider="p", ca_bundle_file=str(tmp_path / "none.pem"))


def test_a_connection_is_kept_and_used_again(open_client: OpenClient):
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url)
        assert [fetch(client) for _ in range(5)] == [b"ok"] * 5
        assert server.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok surplus",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_a_connection_that_cannot_be_trusted_is_not_kept(open_client: OpenClient, raw: bytes):
    with CannedServer(always(raw)) as server:
        client = open_client(server.url)
        assert [fetch(client), fetch(client)] == [b"ok", b"ok"]
        assert server.connections == 2


def test_a_connection_closed_while_idle_is_replaced(open_client: OpenClient):
    with CannedServer(always(reply("ok"), "close")) as server:
        client = open_client(server.url)
        assert [fetch(client) for _ in range(3)] == [b"ok"] * 3
        assert server.connections == 3


def test_a_connection_closed_as_it_is_taken_up_is_replaced_once(open_client: OpenClient):
    def answer(request: CannedRequest) -> Sequence[Step]:
        first = not [item for item in server.requests if item.connection == request.connection][1:]
        return [reply("ok")] if first else ["reset"]

    with CannedServer(answer) as server:
        client = open_client(server.url)
        assert [fetch(client), fetch(client)] == [b"ok", b"ok"]
        assert [request.connection for request in server.requests] == [0, 0, 1]


def test_a_fresh_connection_that_gives_nothing_is_no_answer(open_client: OpenClient):
    with CannedServer(always("close")) as server:
        client = open_client(server.url)
        with pytest.raises(ProviderUnavailable):
            send(client)
        assert server.connections == 1


def test_no_more_idle_connections_are_kept_than_allowed(open_client: OpenClient):
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url, max_idle=1)
        responses = [send(client) for _ in range(3)]
        for response in responses:
            drain(response.read())
            response.close()
        for response in [send(client) for _ in range(3)]:
            response.close()
        assert server.connections == 5


def test_a_connection_idle_for_long_is_not_trusted(open_client: OpenClient):
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url, max_idle_s=0.0)
        assert [fetch(client), fetch(client)] == [b"ok", b"ok"]
        assert server.connections == 2


def test_a_hundred_threads_share_the_pool(open_client: OpenClient):
    def answer(request: CannedRequest) -> Sequence[Step]:
        return [reply(request.body)]

    with CannedServer(answer) as server:
        client = open_client(server.url)
        wrong: list[bytes] = []

        def ask(number: int) -> None:
            body = str(number).encode()
            wrong.extend(got for got in (fetch(client, body=body) for _ in range(5)) if got != body)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S)
        assert not wrong
        assert len(server.requests) == 500


def test_a_redirect_is_an_answer_like_any_other(open_client: OpenClient):
    with CannedServer(always(reply("", status=307, Location="http://127.0.0.1:1/"))) as server:
        response = send(open_client(server.url))
        assert response.status == 307
        response.close()


def test_cookies_are_not_sent_back(open_client: OpenClient):
    with CannedServer(always(reply("ok", Set_Cookie="a=b"))) as server:
        client = open_client(server.url)
        fetch(client)
        fetch(client)
        assert "cookie" not in server.requests[1].headers


def test_proxies_of_the_environment_are_not_used(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with CannedServer(always(reply("ok"))) as server:
        assert fetch(open_client(server.url)) == b"ok"


def test_a_refused_connection_is_unavailable(open_client: OpenClient):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ProviderUnavailable):
        send(open_client(f"http://127.0.0.1:{port}"))


def test_a_host_that_is_no_name_is_unavailable(open_client: OpenClient):
    with pytest.raises(ProviderUnavailable):
        send(open_client(f"http://{'a' * 70}.invalid"))


def test_a_time_that_is_over_already_connects_to_nobody(open_client: OpenClient):
    with CannedServer(always(reply("ok"))) as server:
        client = open_client(server.url)
        with pytest.raises(ProviderTimeout):
            send(client, cancel_token=Deadline(0.0))
        assert server.connections == 0


def test_an_answer_before_the_whole_request_was_read_is_heard(open_client: OpenClient):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1_000)
                peer.sendall(reply("too large", status=413))

        thread = threading.Thread(target=refuse)
        thread.start()
        client = open_client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        response = send(client, body=b"x" * 20_000_000)
        assert (response.status, drain(response.read())) == (413, b"too large")
        response.close()
        thread.join(HANG_S)


def test_a_peer_that_takes_no_request_ticks_and_times_out(open_client: OpenClient):
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        client = open_client(
            f"http://127.0.0.1:{listener.getsockname()[1]}", tick_s=0.05, read_timeout_s=0.3
        )
        steps = client.send(
            "POST", "/", headers={}, body=b"x" * 30_000_000, cancel_token=Deadline(HANG_S)
        )
        assert next(steps) == TICK
        with pytest.raises(ProviderTimeout):
            drain(steps)


def test_tls_is_verified_against_the_bundle_and_its_connection_kept(
    open_client: OpenClient, tmp_path: pathlib.Path
):
    pem = make_certificate(tmp_path)
    with CannedServer(always(reply("ok")), tls=server_tls(pem)) as server:
        client = open_client(server.url, ca_bundle_file=str(pem))
        assert [fetch(client), fetch(client)] == [b"ok", b"ok"]
        assert server.connections == 1


def test_a_certificate_outside_the_bundle_is_refused(
    open_client: OpenClient, tmp_path: pathlib.Path
):
    with CannedServer(always(reply("ok")), tls=server_tls(make_certificate(tmp_path))) as server:
        client = open_client(server.url)
        with pytest.raises(ProviderUnavailable):
            send(client)
        assert not server.requests
