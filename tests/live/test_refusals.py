"""Wrong requests over real HTTP: the contract's status and code, the field named, no charge, no call."""

import json
import socket
from typing import Any

import pytest

from tests.live.service import Service

HELLO = [{"role": "user", "content": "Привет"}]
CHAT = "/v1/chat/completions"


def _post(service: Service, body: Any, key: str | None = None, **options: Any) -> Any:
    with service.http(key) as http:
        return http.post(CHAT, json=body, **options)


def _error(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code", "metadata"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert response.headers["x-request-id"]
    return error


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic x",
        "Bearer xr-live-short",
        "Bearer xr-live-" + "0" * 49,
        "Bearer ' OR '1'='1",
        "Bearer xr-live-" + "А" * 49,
    ],
)
def test_no_valid_key_is_one_and_the_same_401(service: Service, authorization: str | None) -> None:
    headers: Any = {} if authorization is None else {"Authorization": authorization.encode()}
    with service.http() as http:
        del http.headers["Authorization"]
        response = http.post(CHAT, json={}, headers=headers)

    error = _error(response)
    assert (response.status_code, error["type"], error["code"]) == (
        401,
        "authentication_error",
        "invalid_api_key",
    )
    assert error["message"].startswith("No valid API key")


def test_a_key_in_the_query_is_no_key(service: Service) -> None:
    with service.http() as http:
        del http.headers["Authorization"]
        response = http.post(f"{CHAT}?api_key={service.key()}", json={})

    assert response.status_code == 401


def test_a_wrong_key_is_refused_where_none_is_needed(service: Service) -> None:
    with service.http() as http:
        assert http.get("/v1/models").status_code == 200
        wrong = http.get("/v1/models", headers={"Authorization": "Bearer nonsense"})
        del http.headers["Authorization"]
        assert http.get("/v1/models").status_code == 200

    assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"model": "gigachat-pro"}, 400, "invalid_parameter", "messages"),
        ({"messages": HELLO}, 400, "invalid_parameter", "model"),
        ({"model": "gpt-9", "messages": HELLO}, 404, "model_not_found", "model"),
        ({"model": "../admin", "messages": HELLO}, 404, "model_not_found", "model"),
        ({"model": "giga\u200bchat", "messages": HELLO}, 404, "model_not_found", "model"),
        ({"models": ["gpt-9", "gpt-8"], "messages": HELLO}, 404, "model_not_found", "model"),
        ({"model": "gigachat-pro:free", "messages": HELLO}, 400, "invalid_parameter", "model"),
        ({"model": "gpt-9:free", "messages": HELLO}, 404, "model_not_found", "model"),
        ({"model": "text-search-doc", "messages": HELLO}, 400, "invalid_parameter", "model"),
        (
            {"model": "yandexgpt", "messages": HELLO, "max_tokens": -1},
            400,
            "invalid_parameter",
            "max_tokens",
        ),
        (
            {"model": "yandexgpt", "messages": [{"role": "user", "content": "ы" * 300_000}]},
            400,
            "context_length_exceeded",
            "messages",
        ),
        (
            {"model": "gigachat-pro", "messages": [{"role": "user", "content": "a" * 1_048_576}]},
            400,
            "context_length_exceeded",
            "messages",
        ),
        (
            {"model": "yandexgpt", "messages": HELLO, "provider": {"only": ["gigachat"]}},
            503,
            "no_provider_available",
            None,
        ),
    ],
)
def test_a_wrong_request_is_refused_by_name(
    service: Service, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    response = _post(service, body)

    error = _error(response)
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)
    assert not list(service.sandbox.requests)


def test_a_picture_for_a_model_without_eyes_is_a_clear_400(service: Service) -> None:
    pixel = "data:image/png;base64,iVBORw0KGgo="
    part = {"type": "image_url", "image_url": {"url": pixel}}
    body = {"model": "yandexgpt", "messages": [{"role": "user", "content": [part]}]}

    response = _post(service, body)

    assert response.status_code == 400
    assert _error(response)["code"] == "unsupported_content"


@pytest.mark.parametrize("model", ["gigachat-pro", "yandexgpt"])
def test_a_picture_within_our_own_network_is_never_fetched(service: Service, model: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as within:
        within.settimeout(0.1)
        for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            url = f"http://{host}/a.png"
            part = {"type": "image_url", "image_url": {"url": url}}
            body = {"model": model, "messages": [{"role": "user", "content": [part]}]}

            error = _error(_post(service, body))

            assert error["code"] == "unsupported_content"
            assert error["param"] == "messages[0].content[0].image_url.url"
        with pytest.raises(TimeoutError):
            within.accept()


def test_the_moderation_phrase_is_always_refused_free_of_charge(service: Service) -> None:
    key = service.fresh_key()
    text = "x" * 200 + " Xrouter-Moderation-Test " + "y" * 200

    response = _post(service, {"model": "gigachat-pro", "prompt": text}, key)

    error = _error(response)
    assert (response.status_code, error["code"]) == (403, "content_filter")
    assert error["metadata"]["reasons"]
    assert len(error["metadata"]["flagged_input"]) <= 100
    with service.http(key) as http:
        assert http.get("/v1/credits").json()["data"]["total_usage"] == 0
    assert not list(service.sandbox.requests)


def test_adaptations_are_named_and_strict_makes_them_refusals(service: Service) -> None:
    body = {"model": "yandexgpt", "messages": HELLO, "temperature": 1.7, "logit_bias": {"1": 5}}

    adapted = _post(service, body | {"api_base": "http://evil"})
    strict = _post(service, body, headers={"X-XRouter-Strict": "true"})

    assert adapted.status_code == 200
    assert adapted.headers["x-xrouter-adapted"] == (
        "temperature=clamped, logit_bias=ignored, api_base=ignored"
    )
    sent = service.sandbox.requests[-1].body
    assert sent["completionOptions"]["temperature"] == 1
    assert strict.status_code == 400
    assert _error(strict)["param"] == "temperature"


def test_unknown_fields_cannot_break_a_header(service: Service) -> None:
    response = _post(service, {"model": "yandexgpt", "messages": HELLO, "а\r\nX-Evil: 1": 1})

    assert response.status_code == 200
    assert "x-evil" not in response.headers
    assert "=ignored" in response.headers["x-xrouter-adapted"]


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_prefixes_and_a_slash_at_the_end_are_tolerated(
    service: Service, prefix: str, slash: str
) -> None:
    with service.http() as http:
        answer = http.post(
            f"{prefix}/chat/completions{slash}", json={"model": "yandexgpt-lite", "messages": HELLO}
        )
        assert answer.status_code == 200
        for path in ("models", "models/gigachat-pro", "key", "auth/key", "credits"):
            assert http.get(f"{prefix}/{path}{slash}").status_code == 200, path
        assert http.get(f"{prefix}/parameters/yandexgpt-lite:latest{slash}").status_code == 200


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/api/v1/nothing", "/v1/chat", "/v1/%00"])
def test_unknown_paths_are_a_json_404(service: Service, path: str) -> None:
    with service.http() as http:
        response = http.get(path)

    error = _error(response)
    code = error["metadata"]["code"] if path.startswith("/api/") else error["code"]
    assert (response.status_code, code) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "FOO", "TRACE"])
def test_other_methods_are_a_json_405(service: Service, method: str) -> None:
    with service.http() as http:
        response = http.request(method, CHAT)

    assert (response.status_code, _error(response)["code"]) == (405, "method_not_allowed")


def test_a_wrong_host_is_a_json_400(service: Service) -> None:
    response = _post(service, {}, headers={"Host": "evil.example"})

    assert (response.status_code, _error(response)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/v1/models", "Host: 127.0.0.1", 200),
        ("http://127.0.0.1/v1/models", "Host: 127.0.0.1", 200),
        ("http://127.0.0.1/v1/models", "Host: evil.example", 200),
        ("http://evil.example/v1/models", "Host: 127.0.0.1", 400),
        ("http://evil.example@127.0.0.1/v1/models", "Host: 127.0.0.1", 400),
        ("/v1/models", "Host:", 400),
        ("/v1/models", "X-None: 1", 400),
        ("/health", "X-None: 1", 200),
    ],
)
def test_the_host_is_the_one_of_http(service: Service, target: str, host: str, status: int) -> None:
    answer = _raw(service, f"GET {target} HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize("path", [CHAT, "/v1/chat/completion", "/v1/responses/resp_1"])
def test_a_browsers_preflight_needs_no_key_nor_a_path_of_ours(service: Service, path: str) -> None:
    with service.http() as http:
        del http.headers["Authorization"]
        response = http.options(
            path,
            headers={
                "Origin": "https://app.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, x-stainless-lang",
            },
        )

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "x-stainless-lang" in response.headers["access-control-allow-headers"]


def test_answers_and_errors_may_be_read_by_any_origin(service: Service) -> None:
    headers = {"Origin": "https://app.example"}

    for body in ({"model": "yandexgpt-lite", "messages": HELLO}, {}):
        response = _post(service, body, headers=headers)
        assert response.headers["access-control-allow-origin"] == "*"
        assert "X-Generation-Id" in response.headers["access-control-expose-headers"]
        assert "set-cookie" not in response.headers


def test_a_request_id_is_kept_when_it_is_a_plain_word(service: Service) -> None:
    good = _post(service, {}, headers={"X-Request-ID": "my-id.1"})
    bad = _post(service, {}, headers={"X-Request-ID": "x" * 4096})

    assert good.headers["x-request-id"] == "my-id.1"
    assert bad.headers["x-request-id"] != "x" * 4096


def _raw(service: Service, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


def _head(service: Service, *lines: str) -> bytes:
    return "\r\n".join(
        [
            f"POST {CHAT} HTTP/1.1",
            f"Host: 127.0.0.1:{service.port}",
            f"Authorization: Bearer {service.key()}",
            "Connection: close",
            *lines,
            "",
            "",
        ]
    ).encode()


def test_a_chunked_body_without_a_length_is_read(service: Service) -> None:
    body = json.dumps({"model": "yandexgpt-lite", "messages": HELLO}).encode()
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    answer = _raw(service, _head(service, "Transfer-Encoding: chunked") + chunks)

    assert answer.startswith(b"HTTP/1.1 200")


def test_a_chunked_body_in_another_coding_is_not_taken_for_plain(service: Service) -> None:
    body = json.dumps({"model": "yandexgpt-lite", "messages": HELLO}).encode()
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    answer = _raw(service, _head(service, "Transfer-Encoding: gzip, chunked") + chunks)

    assert answer.startswith(b"HTTP/1.1 400")


def test_a_body_over_the_limit_is_a_413(service: Service) -> None:
    answer = _raw(service, _head(service, f"Content-Length: {30 * 2**20}"))

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"request_too_large" in answer


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -5",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ],
)
def test_lengths_that_contradict_are_a_400(service: Service, lines: tuple[str, ...]) -> None:
    answer = _raw(service, _head(service, *lines) + b"hello")

    assert answer.startswith(b"HTTP/1.1 400")


def test_another_accounts_generation_does_not_exist(service: Service) -> None:
    body = _post(service, {"model": "yandexgpt-lite", "messages": HELLO}).json()
    stranger = service.fresh_key()

    with service.http(stranger) as http:
        foreign = http.get("/v1/generation", params={"id": body["id"]})
        nonsense = http.get("/v1/generation", params={"id": "gen-" + "0" * 32})
        missing = http.get("/v1/generation")

    assert foreign.status_code == nonsense.status_code == 404
    assert foreign.json() == nonsense.json()
    assert missing.status_code == 400


def test_health_tells_its_parts(service: Service) -> None:
    with service.http() as http:
        body = http.get("/health").json()

    assert body["status"] == "ok"
    assert body["parts"]["database"] == "ok"
