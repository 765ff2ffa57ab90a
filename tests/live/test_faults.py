"""Every fault of an upstream has exactly one outcome for the caller, plain and streamed, and no charge."""

import json
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from sandbox.core.exchange import ProviderName
from sandbox.core.faults import (
    Fault,
    compressed,
    cut,
    drip,
    endless,
    error_event,
    expired_token,
    garbage,
    http_error,
    redirect,
    reset,
    set_cookie,
    silence,
    wrong_usage,
)
from tests.live.callers import wait_until
from tests.live.service import Service, serve

HELLO: Any = [{"role": "user", "content": "sandbox:long=40 Расскажи о Москве"}]
TOO_LONG: Any = [{"role": "user", "content": "sandbox:error=413"}]
MODEL: dict[ProviderName, str] = {"gigachat": "gigachat-pro", "yandexgpt": "yandexgpt"}
PROVIDERS: list[ProviderName] = ["gigachat", "yandexgpt"]


@pytest.fixture(scope="module")
def running_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Serve with time-outs that a test can wait for."""
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("impatient"),
        UPSTREAM_READ_TIMEOUT="1.5",
        UPSTREAM_TOTAL_TIMEOUT="4",
    ) as service:
        yield service


def _usage(service: Service, key: str) -> Any:
    with service.http(key) as http:
        return http.get("/v1/credits").json()["data"]["total_usage"]


BEFORE_A_CHUNK: dict[str, tuple[Callable[[], Fault], int, str]] = {
    "500": (lambda: http_error(500), 502, "provider_error"),
    "503": (lambda: http_error(503), 502, "provider_error"),
    "404": (lambda: http_error(404), 502, "provider_error"),
    "402": (lambda: http_error(402), 502, "provider_error"),
    "403": (lambda: http_error(403), 502, "provider_error"),
    "html": (lambda: garbage("html"), 502, "provider_error"),
    "bad json": (lambda: garbage("bad_json"), 502, "provider_error"),
    "wrong types": (lambda: garbage("wrong_types"), 502, "provider_error"),
    "null choices": (lambda: garbage("null_choices"), 502, "provider_error"),
    "invalid utf-8": (lambda: garbage("invalid_utf8"), 502, "provider_error"),
    "long line": (lambda: garbage("long_line"), 502, "provider_error"),
    "reset": (lambda: reset(), 502, "provider_error"),
    "redirect": (lambda: redirect("http://127.0.0.1:1/"), 502, "provider_error"),
    "compressed": (lambda: compressed(), 502, "provider_error"),
    "always 401": (lambda: http_error(401), 502, "provider_error"),
    "408": (lambda: http_error(408), 504, "provider_timeout"),
    "silent": (lambda: silence(8, "headers"), 504, "provider_timeout"),
    "silent after headers": (lambda: silence(8, "first_event"), 504, "provider_timeout"),
    "429": (lambda: http_error(429), 429, "provider_busy"),
    "400": (lambda: http_error(400), 400, "invalid_request"),
    "422": (lambda: http_error(422), 400, "invalid_request"),
    "413": (lambda: http_error(413), 400, "context_length_exceeded"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", BEFORE_A_CHUNK)
def test_a_failure_before_the_first_chunk_is_a_status(
    service: Service, fault: str, provider: ProviderName, stream: bool
) -> None:
    make, status, code = BEFORE_A_CHUNK[fault]
    service.sandbox.faults.push(provider, make(), times=None)
    key = service.key("faults@example.com", balance="1000")

    with service.http(key) as http:
        response = http.post(
            "/v1/chat/completions",
            json={"model": MODEL[provider], "messages": HELLO, "stream": stream},
        )

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code), response.text
    assert error["metadata"]["provider_name"] == provider
    assert response.headers["x-xrouter-attempts"] == "1"
    assert response.headers["x-generation-id"].startswith("gen-")
    assert _usage(service, key) == 0
    if status == 429:
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert error["metadata"]["limit_source"] == "provider"
    for secret in ("b1g", "Bearer", "Api-Key"):
        assert secret not in response.text


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("chat/completions", {"messages": TOO_LONG}, "messages"),
        ("chat/completions", {"messages": TOO_LONG, "stream": True}, "messages"),
        ("chat/completions", {"prompt": "sandbox:error=413"}, "prompt"),
        ("completions", {"prompt": ["раз", "sandbox:error=413"]}, "prompt"),
        ("responses", {"input": "sandbox:error=413"}, "input"),
        ("embeddings", {"model": "embeddings", "input": "слово " * 3000}, "input"),
    ],
)
def test_what_is_too_long_for_a_provider_is_named(
    service: Service, path: str, fields: dict[str, Any], param: str
) -> None:
    with service.http() as http:
        response = http.post(f"/v1/{path}", json={"model": "gigachat-pro"} | fields)

    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", param)


@pytest.mark.parametrize(("text", "result"), [("0", "1"), ("7", "7"), ("100000", "60"), ("x", "5")])
def test_a_providers_retry_after_is_kept_within_reason(
    service: Service, text: str, result: str
) -> None:
    service.sandbox.faults.push("gigachat", http_error(429, retry_after=text))

    with service.http() as http:
        response = http.post(
            "/v1/chat/completions", json={"model": "gigachat-pro", "messages": HELLO}
        )

    assert response.headers["retry-after"] == result


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_expired_token_is_renewed_without_a_word(service: Service, stream: bool) -> None:
    client = service.openai()
    client.chat.completions.create(model="gigachat-pro", messages=HELLO)  # has a token from here on
    service.sandbox.reset()
    service.sandbox.faults.push("gigachat", expired_token())

    answer: Any = client.chat.completions.create(
        model="gigachat-pro", messages=HELLO, stream=stream
    )

    assert (len(list(answer)) if stream else len(answer.choices)) > 0
    assert len(service.sandbox.requests.of("gigachat", "oauth")) == 1


@pytest.mark.parametrize("fault", ["500", "429", "silent", "always 401", "404", "bad json"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_fallback_answers_in_its_own_name_and_at_its_own_price(
    service: Service, fault: str, stream: bool
) -> None:
    service.sandbox.faults.push("gigachat", BEFORE_A_CHUNK[fault][0](), times=None)

    with service.http() as http:
        response = http.post(
            "/v1/chat/completions",
            json={
                "model": "gigachat-pro",
                "models": ["yandexgpt-lite"],
                "route": "fallback",
                "messages": HELLO,
                "stream": stream,
            },
        )
        generation = http.get("/v1/generation", params={"id": response.headers["x-generation-id"]})

    assert response.status_code == 200
    assert "yandexgpt-lite:latest" in response.text
    data = generation.json()["data"]
    assert data["model"] == "yandexgpt-lite:latest"
    assert [attempt["provider"] for attempt in data["attempts"]] == ["gigachat", "yandexgpt"]
    assert data["attempts"][-1]["outcome"] == "answered"
    assert response.headers["x-xrouter-attempts"] == "2"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_model_whose_package_is_used_up_leaves_the_others_of_its_credential(
    service: Service, stream: bool
) -> None:
    used_up = {"model": "gigachat-pro", "messages": HELLO, "stream": stream}
    service.sandbox.faults.push("gigachat", http_error(402), times=7)

    with service.http() as http:
        alone = [http.post("/v1/chat/completions", json=used_up) for _ in range(6)]
        response = http.post("/v1/chat/completions", json=used_up | {"models": ["gigachat-2"]})

    assert {answer.status_code for answer in alone} == {502}
    assert {answer.json()["error"]["code"] for answer in alone} == {"provider_error"}
    assert response.status_code == 200
    assert response.headers["x-xrouter-attempts"] == "2"
    assert '"model":"gigachat-2"' in response.text


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_refusal_of_the_only_credential_leaves_its_other_models_to_be_asked(
    service: Service, stream: bool
) -> None:
    service.sandbox.faults.push("gigachat", http_error(403))

    with service.http() as http:
        response = http.post(
            "/v1/chat/completions",
            json={"models": ["gigachat-pro", "gigachat-2"], "messages": HELLO, "stream": stream},
        )

    assert response.status_code == 200
    assert response.headers["x-xrouter-attempts"] == "2"
    assert '"model":"gigachat-2"' in response.text


def test_a_refusal_about_the_request_tries_nobody_else(service: Service) -> None:
    service.sandbox.faults.push("gigachat", http_error(422))

    with service.http() as http:
        response = http.post(
            "/v1/chat/completions",
            json={"models": ["gigachat-pro", "yandexgpt-lite"], "messages": HELLO},
        )

    assert response.status_code == 400
    assert not service.sandbox.requests.of("yandexgpt")


AFTER_A_CHUNK: dict[str, tuple[Callable[[], Fault], str]] = {
    "end without a finish mark": (lambda: cut(6), "provider_error"),
    "abrupt end": (lambda: cut(6, abrupt=True), "provider_error"),
    "reset": (lambda: reset(after_events=6), "provider_error"),
    "garbage": (lambda: garbage("bad_json", after_events=6), "provider_error"),
    "error event": (lambda: error_event(500), "provider_error"),
    "silence": (lambda: silence(8, "mid_stream"), "provider_timeout"),
}


def _events(text: str) -> list[Any]:
    lines = [line for line in text.split("\n\n") if line.startswith("data: ")]
    return [line[6:] if line == "data: [DONE]" else json.loads(line[6:]) for line in lines]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", AFTER_A_CHUNK)
def test_a_failure_after_a_chunk_is_one_error_event_and_costs_what_was_delivered(
    service: Service, fault: str, provider: ProviderName
) -> None:
    make, code = AFTER_A_CHUNK[fault]
    service.sandbox.faults.push(provider, make())
    key = service.fresh_key()

    with service.http(key) as http:
        response = http.post(
            "/v1/chat/completions",
            json={"model": MODEL[provider], "messages": HELLO, "stream": True, "max_tokens": 100},
        )
        events = _events(response.text)
        generation = http.get(
            "/v1/generation", params={"id": response.headers["x-generation-id"]}
        ).json()["data"]

    assert response.status_code == 200
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert events[-1]["error"]["code"] == code
    assert "[DONE]" not in events
    assert sum("error" in event for event in events) == 1
    delivered = "".join(e["choices"][0]["delta"].get("content", "") for e in events[:-1])
    assert delivered
    assert generation["finish_reason"] is None
    assert generation["error_code"]
    assert generation["tokens_completion"] > 0
    assert 0 < generation["total_cost"] == _usage(service, key)


def test_a_connection_lost_behind_the_finish_mark_loses_no_answer(service: Service) -> None:
    """All that misses is the [DONE] of the provider."""
    service.sandbox.faults.push("gigachat", cut(10_000, abrupt=True))
    key = service.fresh_key()

    with service.http(key) as http:
        response = http.post(
            "/v1/chat/completions",
            json={
                "model": "gigachat-pro",
                "messages": HELLO,
                "stream": True,
                "stream_options": {"include_usage": True},
            },
        )

    events = _events(response.text)
    assert events[-1] == "[DONE]"
    assert events[-3]["choices"][0]["finish_reason"] == "stop"
    assert 0 < events[-2]["usage"]["cost"] == _usage(service, key)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["absent", "negative", "absurd"])
def test_usage_that_cannot_be_is_replaced_by_an_estimate(
    service: Service, kind: Any, provider: ProviderName, stream: bool
) -> None:
    service.sandbox.faults.push(provider, wrong_usage(kind))

    with service.http() as http:
        response = http.post(
            "/v1/chat/completions",
            json={"model": MODEL[provider], "messages": HELLO, "stream": stream},
        )
        generation = http.get(
            "/v1/generation", params={"id": response.headers["x-generation-id"]}
        ).json()["data"]

    assert response.status_code == 200
    if generation["tokens_source"] == "estimated":
        assert 0 < generation["tokens_completion"] < 1000
    else:  # Yandex counts in every line: an earlier count is as good
        assert provider == "yandexgpt"
        assert 0 <= generation["tokens_completion"] < 1000
    assert 0 < generation["total_cost"] < 10


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_endless_stream_is_cut_at_what_was_asked_for(
    service: Service, provider: ProviderName
) -> None:
    service.sandbox.faults.push(provider, endless())

    stream = service.openai().chat.completions.create(
        model=MODEL[provider], messages=HELLO, stream=True, max_tokens=30,
        stream_options={"include_usage": True},
    )  # fmt: skip
    *_, last, counted = stream

    assert last.choices[0].finish_reason == "length"
    assert counted.usage is not None
    assert 0 < counted.usage.completion_tokens <= 30
    asked = service.sandbox.requests.of(provider, "ompletion")[-1]
    wait_until(lambda: asked.closed_by_client_at is not None, "the provider is left")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_plain_answer_longer_than_asked_is_cut_and_costs_its_hold_at_most(
    service: Service, provider: ProviderName
) -> None:
    key = service.fresh_key()
    question: Any = [{"role": "user", "content": "sandbox:long=400! Расскажи"}]

    with service.http(key) as http:
        body = http.post(
            "/v1/chat/completions",
            json={"model": MODEL[provider], "messages": question, "max_tokens": 10},
        ).json()

    assert body["choices"][0]["finish_reason"] == "length"
    assert len(body["choices"][0]["message"]["content"]) < 400
    assert body["usage"]["completion_tokens"] == 10
    assert body["usage"]["cost"] == _usage(service, key) <= (200 + 10) * 0.0012


def test_a_dripping_answer_ends_at_the_total_timeout(service: Service) -> None:
    service.sandbox.faults.push("gigachat", drip(0.2))

    began_s = time.monotonic()
    with pytest.raises(openai.APIStatusError) as failure:
        service.openai().chat.completions.create(model="gigachat-pro", messages=HELLO)

    assert failure.value.status_code == 504
    assert time.monotonic() - began_s < 30


def test_cookies_of_a_provider_are_ignored(service: Service) -> None:
    service.sandbox.faults.push("gigachat", set_cookie("spid=secret"))
    client = service.openai()

    first = client.chat.completions.with_raw_response.create(model="gigachat-pro", messages=HELLO)
    client.chat.completions.create(model="gigachat-pro", messages=HELLO)

    assert "set-cookie" not in first.headers
    assert "cookie" not in service.sandbox.requests[-1].headers


def test_a_provider_that_is_not_there_is_a_502(tmp_path: pathlib.Path, request: Any) -> None:
    with (
        serve(
            request.config.option.store, tmp_path, GIGACHAT_BASE_URL="http://127.0.0.1:9/v1"
        ) as service,
        service.http() as http,
    ):
        response = http.post(
            "/v1/chat/completions", json={"model": "gigachat-pro", "messages": HELLO}
        )

    assert response.status_code == 502
    assert response.json()["error"]["code"] == "provider_error"
