"""Retries of plain requests: one charge and one answer, whoever asks again, and on whatever worker."""

import concurrent.futures
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from tests.live.callers import CHAT, wait_until
from tests.live.service import Service

KEYED = "Idempotency-Key"
RETRY = "x-stainless-retry-count"


def _body(text: str, **more: object) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "max_tokens": 50, **more}


def _post(
    service: Service, key: str, body: object, path: str = CHAT, **headers: str
) -> httpx2.Response:
    """Send a request on a connection of its own."""
    with service.http(key) as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return http.post(path, content=json.dumps(body), headers=named)


def _post_and_leave(
    service: Service, key: str, body: object, after_s: float, **headers: str
) -> None:
    """Send a request and hang up before it is answered."""
    with contextlib.suppress(httpx2.TimeoutException), service.http(key) as http:
        http.timeout = httpx2.Timeout(after_s)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        http.post(CHAT, content=json.dumps(body), headers=named)
        raise AssertionError("It was answered too soon.")


def _charges(service: Service, key: str) -> list[int]:
    """Return what each generation cost, in nano-credits."""
    rows = service.query(
        "SELECT cost_nano FROM billing_generation WHERE account_id = %s", service.account_of(key)
    )
    return [cost_nano for (cost_nano,) in rows]


def _admitted(service: Service, key: str) -> int:
    """Return how many requests of the key's account run."""
    rows = service.query(
        "SELECT id FROM billing_hold WHERE account_id = %s", service.account_of(key)
    )
    return len(rows)


def _together(count: int, ask: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def test_a_client_that_gives_up_early_pays_once_and_gets_the_answer(service: Service) -> None:
    key = service.fresh_key()
    client = openai.OpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=2, timeout=1.5)

    answer = client.chat.completions.create(**_body("sandbox:slow=4 Столица России?"))

    client.close()
    assert "Москва" in (answer.choices[0].message.content or "")
    assert len(_charges(service, key)) == 1
    with service.http(key) as http:
        generation = http.get("/v1/generation", params={"id": answer.id}).json()["data"]
    assert generation["cancelled"] is False
    assert generation["total_cost"] > 0


def test_a_client_that_is_served_is_answered_again_byte_for_byte(service: Service) -> None:
    key = service.fresh_key()
    body = _body("Столица России?", frequency_penalty=0.1)
    first = _post(service, key, body, x_stainless_retry_count="0")
    backwards = dict(reversed(body.items())) | {"max_tokens": 50.0}

    again = _post(service, key, backwards, x_stainless_retry_count="1")

    same = ("x-generation-id", "x-xrouter-adapted", "x-ratelimit-remaining-requests")
    assert again.content == first.content
    assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(_charges(service, key)) == 1


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", f"/api{CHAT}"])
def test_every_path_that_runs_a_model_knows_its_retries(service: Service, path: str) -> None:
    key = service.fresh_key()
    body: dict[str, Any] = {"model": "gigachat-pro", "prompt": "Привет"}
    if path.endswith("embeddings"):
        body = {"model": "embeddings", "input": "Привет"}

    first = _post(service, key, body, path, x_stainless_retry_count="0")
    again = _post(service, key, body, path, x_stainless_retry_count="1")

    assert first.status_code == 200
    assert again.content == first.content
    assert len(_charges(service, key)) == 1


def test_the_same_question_asked_twice_is_no_retry(service: Service) -> None:
    key = service.fresh_key()
    body = _body("Столица России?")

    first = _post(service, key, body, x_stainless_retry_count="0")
    second = _post(service, key, body, x_stainless_retry_count="0")
    plain = _post(service, key, body)

    assert len({one.headers["x-generation-id"] for one in (first, second, plain)}) == 3
    assert len(_charges(service, key)) == 3


def test_of_equal_requests_side_by_side_each_has_its_own_retry(service: Service) -> None:
    key = service.fresh_key()
    body = _body("sandbox:slow=3 Столица России?")
    _post_and_leave(service, key, body, 0.5, x_stainless_retry_count="0")
    wait_until(lambda: _admitted(service, key) == 1, "the first is admitted")
    _post_and_leave(service, key, body, 0.5, x_stainless_retry_count="0")
    wait_until(lambda: _admitted(service, key) == 2, "the second is admitted")

    again = _together(2, lambda _: _post(service, key, body, x_stainless_retry_count="1"))

    assert [one.status_code for one in again] == [200, 200]
    assert len({one.headers["x-generation-id"] for one in again}) == 2
    assert len(_charges(service, key)) == 2


def test_a_retry_that_joined_gets_the_failure_and_a_later_one_runs_anew(service: Service) -> None:
    key = service.fresh_key()
    body = _body("sandbox:slow=2 sandbox:cut Столица России?")
    _post_and_leave(service, key, body, 0.7, x_stainless_retry_count="0")

    joined = _post(service, key, body, x_stainless_retry_count="1")
    asked = len(service.sandbox.requests.of("gigachat", "ompletion"))
    later = _post(service, key, body, x_stainless_retry_count="2")

    assert (joined.status_code, joined.json()["error"]["code"]) == (502, "provider_error")
    assert asked == 1
    assert later.headers["x-generation-id"] != joined.headers["x-generation-id"]
    assert len(service.sandbox.requests.of("gigachat", "ompletion")) == 2


def test_twenty_requests_with_one_key_at_once_are_one(service: Service) -> None:
    key = service.fresh_key()
    body = _body("sandbox:slow=1 Столица России?")

    answers = _together(
        20, lambda _: _post(service, key, body, idempotency_key="заказ".encode().hex())
    )

    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers}) == 1
    assert len(_charges(service, key)) == 1
    service.audit()


def test_another_body_under_the_same_key_is_refused(service: Service) -> None:
    key = service.fresh_key()
    _post(service, key, _body("Столица России?"), idempotency_key="order 7")

    other = _post(service, key, _body("Столица Чехии?"), idempotency_key="order 7")
    elsewhere = _post(
        service, key, _body("Столица России?"), f"/api{CHAT}", idempotency_key="order 7"
    )

    refusals = [answer.json()["error"] for answer in (other, elsewhere)]
    assert [answer.status_code for answer in (other, elsewhere)] == [422, 422]
    assert refusals[0]["param"] == KEYED
    assert refusals[0]["code"] == "idempotency_mismatch"
    assert refusals[1]["metadata"]["code"] == "idempotency_mismatch"
    assert len(_charges(service, key)) == 1


def test_another_caller_has_idempotency_keys_of_its_own(service: Service) -> None:
    body = _body("Столица России?")
    callers = service.fresh_key(), service.fresh_key()

    answers = [_post(service, key, body, idempotency_key="order 7") for key in callers]

    assert len({one.headers["x-generation-id"] for one in answers}) == 2
    assert [len(_charges(service, key)) for key in callers] == [1, 1]


def test_a_failure_is_not_remembered_under_a_key(service: Service) -> None:
    key = service.fresh_key()
    refused = _post(service, key, _body("Привет", model="gpt-9"), idempotency_key="order 7")

    served = _post(service, key, _body("Привет"), idempotency_key="order 7")

    assert refused.status_code == 404
    assert served.status_code == 200


@pytest.mark.parametrize("value", ["", "x" * 256, "a\tb"])
def test_a_wrong_idempotency_key_is_a_400_that_names_it(service: Service, value: str) -> None:
    answer = _post(service, service.key(), _body("Привет"), idempotency_key=value)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, KEYED)


def test_a_stream_names_the_key_as_ignored(service: Service) -> None:
    body = _body("Привет", stream=True)

    ignored = _post(service, service.key(), body, idempotency_key="order 7")
    strict = _post(service, service.key(), body, idempotency_key="order 7", x_xrouter_strict="true")

    assert f"{KEYED}=ignored" in ignored.headers["x-xrouter-adapted"]
    assert (strict.status_code, strict.json()["error"]["param"]) == (400, KEYED)


@pytest.mark.postgres
def test_a_retry_finds_its_answer_on_whatever_worker(pair: Service) -> None:
    key = pair.fresh_key()
    body = _body("sandbox:slow=2 Столица России?")
    _post_and_leave(pair, key, body, 0.5, x_stainless_retry_count="0")

    running = _together(10, lambda _: _post(pair, key, body, x_stainless_retry_count="1"))
    ended = _together(10, lambda _: _post(pair, key, body, x_stainless_retry_count="2"))
    keyed = _together(20, lambda _: _post(pair, key, body, idempotency_key="order 7"))

    assert {one.status_code for one in (*running, *ended, *keyed)} == {200}
    assert len({one.content for one in (*running, *ended)}) == 1
    assert len({one.content for one in keyed}) == 1
    assert len(_charges(pair, key)) == 2
    pair.audit()


@pytest.mark.postgres
def test_a_worker_that_stops_leaves_its_last_answers_to_their_retries(pair: Service) -> None:
    wait_until(lambda: len(pair.workers()) == 2, "both workers run")
    key = pair.fresh_key()
    body = _body("sandbox:slow=3 Столица России?")
    _post_and_leave(pair, key, body, 0.5, x_stainless_retry_count="0")
    wait_until(lambda: _admitted(pair, key) == 1, "it is admitted")
    stopping = pair.workers()
    for worker in stopping:
        os.kill(worker, signal.SIGTERM)
    wait_until(lambda: not set(stopping) & set(pair.workers()), "both have stopped", patience_s=60)

    again = _post(pair, key, body, x_stainless_retry_count="1")

    assert again.status_code == 200
    assert len(_charges(pair, key)) == 1


@pytest.mark.postgres
def test_a_retry_runs_itself_when_the_worker_of_the_first_dies(pair: Service) -> None:
    wait_until(lambda: len(pair.workers()) == 2, "both workers run")
    key = pair.fresh_key()
    body = _body("sandbox:slow=8 Столица России?")
    _post_and_leave(pair, key, body, 1, x_stainless_retry_count="0")
    wait_until(lambda: _admitted(pair, key) == 1, "it is admitted")
    for worker in pair.workers():
        os.kill(worker, signal.SIGKILL)
    killed_s = time.monotonic()
    pair.sandbox.requests.clear()
    wait_until(lambda: len(pair.workers()) == 2, "other workers take their place")

    again = _post(pair, key, body, x_stainless_retry_count="1")

    assert "Москва" in again.json()["choices"][0]["message"]["content"]
    assert len(pair.sandbox.requests.of("gigachat", "ompletion")) == 1
    assert time.monotonic() < killed_s + 120
