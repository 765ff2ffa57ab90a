"""A full worker refuses a completion before it makes anything of it: same words, same connection."""

import http.client
import json
import pathlib
import socket
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.live.callers import LiveCall
from tests.live.service import Service, serve

PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/v1/chat/completions"]

pytestmark = pytest.mark.postgres  # the worker of the embedded mode leaves all to the view


@pytest.fixture(scope="module")
def full_service(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Service]:
    """Yield a service whose only place is taken."""
    directory = tmp_path_factory.mktemp("full")
    message = {"role": "user", "content": "sandbox:pause=300 Привет"}
    body = {"model": "gigachat-pro", "messages": [message], "stream": True}
    with serve(request.config.option.store, directory, WORKER_CAPACITY="1") as service:
        occupant = LiveCall(service.port, service.key()).send(body)
        occupant.read_until(b"200 OK")
        yield service
        occupant.leave()


def test_it_says_what_the_view_would_say(full_service: Service) -> None:
    with full_service.http() as http:
        for path in PATHS:
            for language in ("en", "ru"):
                headers = {"X-Request-ID": uuid.uuid4().hex, "Accept-Language": language}
                early = http.post(path, json={}, headers=headers)
                late = http.post(path, content=iter([b"{}"]), headers=headers)  # chunked
                assert early.status_code == late.status_code == 503
                assert early.json() == late.json(), path
                assert early.headers["x-request-id"] == headers["X-Request-ID"]
                assert {**early.headers, "date": ""} == {**late.headers, "date": ""}


def test_it_keeps_the_connection_reads_over_the_bodies_and_logs_each(full_service: Service) -> None:
    names = [uuid.uuid4().hex for _ in range(3)]
    body = json.dumps({"model": "gigachat-pro", "padding": "x" * 100_000}).encode()
    with socket.create_connection(("127.0.0.1", full_service.port), timeout=30) as connection:
        for name in names:
            head = f"POST {PATHS[0]} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: {name}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        connection.sendall(
            b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        received = b""
        while more := connection.recv(65536):
            received += more
    assert received.count(b"HTTP/1.1 503 Service Unavailable\r\n") == len(names)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 1
    positions = [received.index(f"X-Request-ID: {name}\r\n".encode()) for name in names]
    assert positions == sorted(positions)

    give_up_s = time.monotonic() + 60
    logged: list[dict[str, object]] = []
    while len(logged) < len(names):
        assert time.monotonic() < give_up_s
        lines = map(json.loads, full_service.log.read_text().splitlines())
        logged = [line for line in lines if line.get("request_id") in names]
        time.sleep(0.05)
    assert {(line["status"], line["code"], line["path"]) for line in logged} == {
        (503, "overloaded", PATHS[0])
    }


def test_a_head_that_comes_again_is_refused_for_each_request_of_its_own(
    full_service: Service,
) -> None:
    with socket.create_connection(("127.0.0.1", full_service.port), timeout=30) as connection:
        answers = [_answer(connection, PATHS[0], size) for size in (20, 3_000, 20, 60_000, 0, 7)]
        assert {status for status, _ in answers} == {503}
        assert len({name for _, name in answers}) == len(answers)
        assert _answer(connection, "/v1/nothing", 20)[0] == 404
        assert _answer(connection, PATHS[1], 20)[0] == 503
        connection.sendall(_request(PATHS[0], 20)[:-5])
        time.sleep(0.2)  # its end comes in a packet of its own
        connection.sendall(b"x" * 5)
        assert _read(connection)[0] == 503


def test_a_connection_that_was_refused_is_served_when_there_is_room(
    tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    body = {
        "model": "gigachat-pro",
        "messages": [{"role": "user", "content": "sandbox:pause=300 Привет"}],
    }
    with serve(request.config.option.store, tmp_path, WORKER_CAPACITY="1") as service:
        occupant = LiveCall(service.port, service.key()).send({**body, "stream": True})
        occupant.read_until(b"200 OK")
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
            assert [_answer(connection, PATHS[0], 20)[0] for _ in range(4)] == [503] * 4
            occupant.leave()
            give_up_s = time.monotonic() + 60
            while (status := _answer(connection, PATHS[0], 20)[0]) == 503:
                assert time.monotonic() < give_up_s
                time.sleep(0.05)
            assert status == 401  # without a key, that is as far as it gets


def test_a_body_without_end_is_cut(full_service: Service) -> None:
    with socket.create_connection(("127.0.0.1", full_service.port), timeout=30) as connection:
        connection.sendall(_request(PATHS[0], 10**9, sent_bytes=0))
        assert _read(connection)[0] == 503
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * 64 * 1024 * 1024)


def _request(path: str, body_bytes: int, *, sent_bytes: int | None = None) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {body_bytes}\r\n\r\n"
    return head.encode() + b"x" * (body_bytes if sent_bytes is None else sent_bytes)


def _answer(connection: socket.socket, path: str, body_bytes: int) -> tuple[int, str]:
    connection.sendall(_request(path, body_bytes))
    return _read(connection)


def _read(connection: socket.socket) -> tuple[int, str]:
    """Return the status of an answer and its request's id, once it is whole."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, answer.headers["X-Request-ID"]


def test_what_it_cannot_answer_itself_goes_to_the_view(full_service: Service) -> None:
    with full_service.http() as http:
        assert http.get(PATHS[0]).status_code == 405
        assert http.post("/v1/nothing", json={}).status_code == 404
        closing = http.post(PATHS[0], json={}, headers={"Connection": "close"})
        assert closing.status_code == 503
        assert closing.headers["connection"] == "close"
        named = http.post(PATHS[0], json={}, headers={"X-Request-ID": "order-7"})
        assert named.status_code == 503
        assert named.headers["x-request-id"] == "order-7"
