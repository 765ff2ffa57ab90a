"""Providers that fail for a while: who answers then, who is left alone, and how they come back."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.core.exchange import ProviderName
from sandbox.core.faults import http_error, silence
from tests.live.callers import LiveAnswer, LiveCall, wait_until
from tests.live.service import Service, serve

CHAT = "/v1/chat/completions"
CAPACITY = 8


@pytest.fixture(scope="module")
def running_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Serve with few places, so that a test can fill them."""
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("outage"),
        WORKER_CAPACITY=str(CAPACITY),
    ) as service:
        yield service


def _body(model: str, *others: str, text: str = "Привет", stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": model, "models": list(others), "messages": messages, "stream": stream}


def _ask(service: Service, *models: str, **details: Any) -> Any:
    with service.http() as http:
        return http.post(CHAT, json=_body(*models, **details))


def _asked(service: Service, provider: ProviderName) -> int:
    return len(service.sandbox.requests.of(provider, "ompletion"))


def _status(service: Service, provider: str) -> Any:
    with service.http() as http:
        return http.get("/v1/providers/status").json()["data"][provider]


def _status_without_key(service: Service) -> Any:
    call = LiveCall(service.port, "")
    call._socket.sendall(
        b"GET /v1/providers/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    return call.answer().json["data"]


def _routing(service: Service, response: Any) -> Any:
    with service.http() as http:
        identity = response.headers["x-generation-id"]
        return http.get("/v1/generation", params={"id": identity}).json()["data"]["routing"]


def _break(service: Service, model: str, provider: ProviderName) -> None:
    """Have a model fail until it is not asked any more."""
    service.sandbox.faults.push(provider, http_error(503), times=None)
    wait_until(lambda: _ask(service, model).status_code == 503, f"{model} is left alone")


def _close(service: Service, model: str) -> None:
    """Have a model answer again."""
    service.sandbox.faults.clear()
    for _ in range(2):
        wait_until(lambda: _ask(service, model).status_code == 200, f"{model} answers", 60)


def test_in_a_full_outage_hardly_anything_is_sent_upstream(service: Service) -> None:
    for provider in ("gigachat", "yandexgpt"):
        service.sandbox.faults.push(provider, http_error(500), times=None)

    answers = [_ask(service, "gigachat-pro", "yandexgpt-lite") for _ in range(60)]

    sent = _asked(service, "gigachat") + _asked(service, "yandexgpt")
    assert sent <= 1.1 * len(answers)
    assert {answer.status_code for answer in answers} == {502, 503}
    last = answers[-1]
    assert (last.status_code, last.json()["error"]["code"]) == (503, "no_provider_available")
    assert 1 <= int(last.headers["retry-after"]) <= 60
    assert _status(service, "gigachat")["status"] != "operational"
    _close(service, "gigachat-pro")
    _close(service, "yandexgpt-lite")


@pytest.mark.both_stores
def test_what_fails_is_left_alone_and_another_answers_at_once(service: Service) -> None:
    _break(service, "gigachat-pro", "gigachat")
    before = _asked(service, "gigachat")

    response = _ask(service, "gigachat-pro", "yandexgpt-lite")

    assert response.status_code == 200
    assert response.json()["model"] == "yandexgpt-lite:latest"
    assert response.headers["x-xrouter-attempts"] == "1"
    assert _asked(service, "gigachat") == before
    routing = _routing(service, response)
    assert [candidate["model"] for candidate in routing["candidates"]] == ["yandexgpt-lite:latest"]
    assert routing["left_out"][0]["provider"] == "gigachat"
    assert "rests after failures" in routing["left_out"][0]["reason"]
    _close(service, "gigachat-pro")


def test_after_the_rest_one_request_tries_and_two_good_ones_end_it(service: Service) -> None:
    _break(service, "gigachat-pro", "gigachat")
    service.sandbox.faults.clear()
    service.sandbox.requests.clear()
    service.sandbox.settings.latency_s = 1.0
    key = service.key()
    give_up_s = time.monotonic() + 60
    while _asked(service, "gigachat") == 0:
        assert time.monotonic() < give_up_s, "Nobody tries."
        calls = [LiveCall(service.port, key).send(_body("gigachat-pro")) for _ in range(6)]
        answers = [call.answer() for call in calls]

    assert _asked(service, "gigachat") == 1
    assert sorted(answer.status for answer in answers) == [200, 503, 503, 503, 503, 503]
    service.sandbox.settings.latency_s = 0.0
    assert _ask(service, "gigachat-pro").status_code == 200
    at_once = [LiveCall(service.port, key).send(_body("gigachat-pro")) for _ in range(4)]
    assert [call.answer().status for call in at_once] == [200] * 4


@pytest.mark.parametrize(
    "preferences",
    [{}, {"sort": {"by": "price", "partition": "none"}}],
    ids=["in the caller's order", "by price"],
)
def test_a_provider_that_is_down_for_every_model_takes_one_attempt(
    service: Service, preferences: dict[str, Any]
) -> None:
    of_yandex = ["yandexgpt-lite:rc", "yandexgpt-lite:deprecated", "yandexgpt-5-lite"]
    service.sandbox.faults.push("yandexgpt", http_error(503), times=None)
    body = _body(*of_yandex, "gigachat-2-max") | {"provider": preferences}

    with service.http() as http:
        response = http.post(CHAT, json=body)

    assert response.json()["model"] == "gigachat-2-max"
    assert response.headers["x-xrouter-attempts"] == "2"
    assert _asked(service, "yandexgpt") == 1
    candidates = _routing(service, response)["candidates"]
    assert [candidate["provider"] for candidate in candidates] == [
        "yandexgpt",
        "yandexgpt",
        "gigachat",
    ]
    assert "another provider was asked first" in candidates[1]["reasons"][-1]
    assert "should yandexgpt fail" in candidates[2]["reasons"][-1]


def test_a_silent_provider_leaves_half_of_the_worker_to_the_others(service: Service) -> None:
    service.sandbox.faults.push("gigachat", silence(20, "headers"), times=None)
    key = service.key()
    calls = [
        LiveCall(service.port, key).send(_body("gigachat-pro", stream=True))
        for _ in range(CAPACITY)
    ]
    wait_until(lambda: _asked(service, "gigachat") == CAPACITY // 2, "its half is taken")
    # One that is still being admitted has a place of the worker too.
    wait_until(
        lambda: sum(b" 503 " in call.read_what_came() for call in calls) == CAPACITY // 2,
        "the others are refused",
    )

    assert _ask(service, "yandexgpt-lite").status_code == 200
    refused = _ask(service, "gigachat-pro")
    elsewhere = _ask(service, "gigachat-pro", "yandexgpt-lite")

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert elsewhere.json()["model"] == "yandexgpt-lite:latest"
    assert _asked(service, "gigachat") == CAPACITY // 2
    for call in calls:
        call.leave()
    wait_until(lambda: _ask(service, "yandexgpt").status_code == 200, "the callers have left")


def test_a_refused_credential_is_out_and_its_provider_down_until_it_is_taken(
    service: Service,
) -> None:
    service.sandbox.faults.push("gigachat", http_error(403), times=None)
    first = _ask(service, "gigachat-pro", "yandexgpt-lite")
    assert first.json()["model"] == "yandexgpt-lite:latest"
    assert _status(service, "gigachat")["status"] == "down"

    _close(service, "gigachat-pro")

    assert "Incident refused/gigachat/environment began." in service.log.read_text()
    assert _status(service, "gigachat")["status"] != "down"


def test_what_test_keys_make_the_sandbox_do_moves_no_real_provider(service: Service) -> None:
    key = service.fresh_key(test=True)
    with service.http(key) as http:
        statuses = {
            http.post(CHAT, json=_body("gigachat-pro", text="sandbox:500 Привет")).status_code
            for _ in range(8)
        }

    assert statuses == {502}
    assert _ask(service, "gigachat-pro").status_code == 200
    assert not any("sandbox:500" in str(request.body) for request in service.sandbox.requests)


def test_auto_follows_what_it_measures_and_says_so(service: Service) -> None:
    # Without the dearer models, of which GigaChat's best is whichever was measured quick of late.
    cheap = {"max_price": {"prompt": 300, "completion": 300}}

    def chosen() -> LiveAnswer:
        body = _body("xrouter/auto", stream=True) | {"provider": cheap}
        answer = LiveCall(service.port, service.key()).send(body).answer()
        assert answer.is_done
        return answer

    for model in ("gigachat-pro", "gigachat-pro", *["yandexgpt-lite"] * 3):
        assert _ask(service, model, stream=True).status_code == 200
    first = chosen()
    assert b'"provider":"gigachat"' in first.body
    service.sandbox.faults.push("gigachat", silence(4, "headers"), times=None)
    slow = [
        LiveCall(service.port, service.key()).send(_body("gigachat-2", stream=True))
        for _ in range(4)
    ]
    assert all(call.answer().is_done for call in slow)

    def has_moved() -> bool:
        return b'"provider":"yandexgpt"' in chosen().body

    wait_until(has_moved, "the choice moves")
    with service.http() as http:
        identity = chosen().generation_id
        routing = http.get("/v1/generation", params={"id": identity}).json()["data"]["routing"]
    assert routing["strategy"] == "auto"
    assert routing["candidates"][0]["provider"] == "yandexgpt"
    of_gigachat = next(
        candidate for candidate in routing["candidates"] if candidate["provider"] == "gigachat"
    )
    assert any(reason.startswith("latency -") for reason in of_gigachat["reasons"])


def test_the_status_needs_no_key_and_names_every_provider(service: Service) -> None:
    assert _ask(service, "yandexgpt-lite", stream=True).status_code == 200
    with service.http("xr-live-wrong") as http:
        assert http.get("/v1/providers/status").status_code == 401

    # A status may be a second old, and so may be of before the answer.
    wait_until(lambda: _status_without_key(service)["yandexgpt"]["latency_ms"], "it is measured")
    data = _status_without_key(service)

    assert data.keys() == {"gigachat", "yandexgpt"}
    assert data["yandexgpt"]["latency_ms"] > 0
    for card in data.values():
        assert card.keys() == {"status", "latency_ms", "success_rate", "last_updated"}
        assert 0 <= card["success_rate"] <= 1


@pytest.mark.parametrize("suffix", ["floor", "nitro"])
def test_a_suffix_says_how_to_choose(service: Service, suffix: str) -> None:
    response = _ask(service, f"xrouter/auto:{suffix}")

    assert response.status_code == 200
    assert (
        _routing(service, response)["strategy"] == {"floor": "price", "nitro": "throughput"}[suffix]
    )
    assert _ask(service, f"yandexgpt-lite:rc:{suffix}").json()["model"] == "yandexgpt-lite:rc"
    assert _ask(service, f"unknown:{suffix}").status_code == 404


@pytest.mark.parametrize(
    "name", ["gigachat-basic:free", "GIGACHAT/basic:free", "gigachat-basic:free:floor"]
)
def test_a_free_model_may_be_named_as_free(service: Service, name: str) -> None:
    response = _ask(service, name)

    assert response.status_code == 200
    assert response.json()["model"] == "gigachat-basic"


def test_unknown_names_are_passed_over_and_named(service: Service) -> None:
    body = {"model": "gpt-9", "models": ["gigachat-basic", "gpt-8"]}
    messages = [{"role": "user", "content": "Привет"}]
    with service.http() as http:
        answer = http.post("/v1/chat/completions", json=body | {"messages": messages})
        strict = http.post(
            "/v1/chat/completions",
            json=body | {"messages": messages},
            headers={"X-XRouter-Strict": "true"},
        )

    assert answer.json()["model"] == "gigachat-basic"
    assert answer.headers["X-XRouter-Adapted"] == "model=ignored, models[1]=ignored"
    assert (strict.status_code, strict.json()["error"]["param"]) == (400, "model")
