"""The relay: chunks as they come, comments in silence, no connection held, a caller that leaves."""

import concurrent.futures
import itertools
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.pipeline.execution.stream import FIRST_EVENT_WAIT_S
from gateway.providers.tick import TICK_S
from sandbox.core.exchange import ProviderName
from sandbox.core.faults import silence
from sandbox.core.request_log import RecordedRequest
from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service, serve

CHAT = "/v1/chat/completions"
GIVEN_UP_S = 4.0
LONGEST_SILENCE_S = 10.0
"""What is promised to callers of a stream."""


@pytest.fixture(scope="module")
def running_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("relay"),
        constants={
            "gateway.pipeline.execution.stream.FIRST_EVENT_WAIT_S": 1.0,
            "gateway.providers.tick.TICK_S": 0.25,
        },
        UPSTREAM_READ_TIMEOUT=str(GIVEN_UP_S),
    ) as service:
        yield service


def _body(text: str, model: str = "gigachat-pro", **fields: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {"model": model, "messages": [message], "stream": True} | fields


def _timed(service: Service, body: dict[str, Any]) -> tuple[float, list[tuple[float, str]]]:
    """Return when the status came and when each event did, in seconds since the request."""
    began_s = time.monotonic()
    with service.http() as http, http.stream("POST", CHAT, json=body) as response:
        assert response.status_code == 200
        status_s = time.monotonic() - began_s
        events = [
            (time.monotonic() - began_s, line) for line in response.iter_lines() if line.strip()
        ]
    return status_s, events


@pytest.mark.both_stores
@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt"])
def test_chunks_arrive_while_the_provider_still_speaks(service: Service, model: str) -> None:
    _, events = _timed(service, _body("sandbox:interval=0.1 sandbox:long=20 Расскажи", model))

    chunks = [at for at, line in events if line.startswith("data: {")]
    assert len(chunks) > 8
    assert chunks[-1] - chunks[1] > 0.5
    assert events[-1][1] == "data: [DONE]"


def test_silence_is_filled_with_comments_and_a_fallback_still_happens(service: Service) -> None:
    service.sandbox.faults.push("gigachat", silence(30, "headers"))

    status_s, events = _timed(service, _body("Столица России?", models=["yandexgpt-lite"]))

    assert status_s < GIVEN_UP_S
    comments = [at for at, line in events if line.startswith(":")]
    assert len(comments) > 5
    marks = [status_s, *comments, events[-1][0]]
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(marks)]
    assert max(gaps_s) < GIVEN_UP_S - 1
    assert FIRST_EVENT_WAIT_S <= LONGEST_SILENCE_S
    assert TICK_S < LONGEST_SILENCE_S
    first = json.loads(next(line for _, line in events if line.startswith("data: "))[6:])
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert first["model"] == "yandexgpt-lite:latest"
    assert events[-1][1] == "data: [DONE]"


def test_a_failure_after_the_status_is_one_error_event(service: Service) -> None:
    service.sandbox.faults.push("gigachat", silence(30, "first_event"))

    _, events = _timed(service, _body("Привет"))

    data = [line for _, line in events if line.startswith("data: ")]
    assert len(data) == 1
    assert json.loads(data[0][6:])["error"]["code"] == "provider_timeout"


def test_a_revised_word_is_never_replayed_and_the_generation_says_so(service: Service) -> None:
    with service.http() as http:
        response = http.post(
            CHAT, json=_body("sandbox:revise Расскажи о Неве подробно", "yandexgpt")
        )
        identity = response.headers["x-generation-id"]
        generation = http.get("/v1/generation", params={"id": identity}).json()["data"]

    assert response.text.endswith("data: [DONE]\n\n")
    assert "text=rewritten" in generation["adapted"]


def test_more_streams_than_database_connections_run_at_once(service: Service) -> None:
    key = service.fresh_key(balance="500")
    body = _body("sandbox:pause=2 Расскажи о Каме", "yandexgpt-lite", max_tokens=50)

    def stream(_: int) -> str:
        with service.http(key) as http:
            return http.post(CHAT, json=body).text

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        running = [pool.submit(stream, number) for number in range(40)]
        time.sleep(1)
        with service.http(key) as http:
            assert http.get("/v1/credits").status_code == 200
        texts = [future.result(timeout=60) for future in running]

    assert all(text.endswith("data: [DONE]\n\n") for text in texts)


@pytest.mark.both_stores
@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt"])
@pytest.mark.parametrize(
    ("marker", "after"), [("sandbox:slow=8", b""), ("sandbox:pause=8", b'"content"')]
)
def test_a_caller_that_leaves_in_a_silence_stops_the_provider(
    service: Service, model: str, marker: str, after: bytes
) -> None:
    provider: ProviderName = "gigachat" if model == "gigachat-pro" else "yandexgpt"

    def asked() -> list[RecordedRequest]:
        return service.sandbox.requests.of(provider, "ompletion")

    before = len(asked())
    body = json.dumps(_body(f"{marker} sandbox:long=30 Расскажи", model)).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Type: application/json"
        f"\r\nAuthorization: Bearer {service.key()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while after and after not in received.partition(b'"content":""')[2]:
            received += connection.recv(65536)
        wait_until(lambda: len(asked()) > before, "the provider is asked")
        left_at = time.time()

    request = asked()[-1]
    wait_until(lambda: request.closed_by_client_at is not None, "the provider is told")
    assert request.closed_by_client_at is not None
    assert request.closed_by_client_at < left_at + 1.5


@pytest.mark.both_stores
def test_a_worker_beyond_its_capacity_says_so_at_once(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    directory = tmp_path_factory.mktemp("small")
    with serve(request.config.option.store, directory, WORKER_CAPACITY="2") as small:
        key = small.key()
        running = [
            LiveCall(small.port, key).send(_body("sandbox:slow=300 Привет")) for _ in range(2)
        ]
        for call in running:
            call.read_until(b"200 OK")
        with small.http(key) as http:
            refused = http.post(CHAT, json=_body("Привет"))
            healthy = http.get("/health")
        for call in running:
            call.leave()

    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "overloaded"
    assert refused.headers["retry-after"] == "1"
    assert healthy.status_code == 200
