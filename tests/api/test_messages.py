"""Anthropic's Messages API over HTTP."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.capacity import capacity
from sandbox.core.faults import cut, http_error
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.api.messages_bodies import HELLO, JSON, PICTURE, SERVER_TOOL, events_of, user


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


def post(body: bytes, key: str = "", path: str = "/v1/messages", **meta: Any) -> Any:
    headers = {"x-api-key": key} if key else {}
    client = Client(raise_request_exception=False)
    return client.post(path, body, "application/json", headers=headers, **meta)


def ask(**fields: Any) -> Any:
    key = fields.pop("key", None) or new_key(is_test=True)[1]
    path = fields.pop("path", "/v1/messages")
    body = {"model": "gigachat-basic", "max_tokens": 100, "messages": HELLO} | fields
    return post(orjson.dumps(body), key, path)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/?beta=true", "/api/v1/messages"])
def test_a_message_is_answered_under_either_prefix(sandbox: Sandbox, path: str) -> None:
    response = ask(path=path)

    body = response.json()
    assert response.status_code == 200
    check(body, "AnthropicMessage")
    assert response.headers["request-id"] == response.headers["X-Request-ID"]
    assert response.headers["X-Generation-Id"] == body["id"].replace("msg_", "gen-")


def test_a_streamed_message_is_events(sandbox: Sandbox) -> None:
    response = ask(stream=True)

    events = events_of(response.getvalue())
    for event in events:
        check(event, "AnthropicEvent")
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    assert response.headers["request-id"]


def test_a_sequence_that_stops_is_named_by_the_pipeline(sandbox: Sandbox) -> None:
    question = [{"role": "user", "content": "Какая столица России?"}]
    response = ask(messages=question, stop_sequences=["зебра", "скв"])

    body = response.json()
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "скв")


def test_a_sequence_that_cannot_stop_json_is_named_in_the_callers_words(sandbox: Sandbox) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    asked = {"model": "gigachat-basic", "max_tokens": 100, "messages": HELLO} | {
        "stop_sequences": ["}"],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    key = new_key(is_test=True)[1]
    response = post(orjson.dumps(asked), key)
    strict = post(orjson.dumps(asked), key, HTTP_X_XROUTER_STRICT="true")

    assert response.headers["X-XRouter-Adapted"] == "stop_sequences=ignored"
    assert response.json()["stop_reason"] == "end_turn"
    assert strict.status_code == 400
    assert strict.json()["error"]["details"]["param"] == "stop_sequences"


def test_what_is_not_honoured_is_named_in_the_callers_words(sandbox: Sandbox) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = ask(model="gigachat-pro", thinking=thinking, tools=[SERVER_TOOL])

    assert response.headers["X-XRouter-Adapted"] == "thinking=ignored, tools[0]=ignored"


def test_a_picture_that_a_model_does_not_see_is_refused_by_the_callers_path(
    sandbox: Sandbox,
) -> None:
    response = ask(model="yandexgpt", system="Кратко.", messages=[user(PICTURE)])

    assert response.status_code == 400
    assert response.json()["error"]["details"]["param"] == "messages[0].content"


@pytest.mark.parametrize(("model", "number"), [("gigachat-pro", 11), ("yandexgpt", 1)])
def test_pictures_of_tools_that_a_model_does_not_take_give_way_to_words(
    sandbox: Sandbox, model: str, number: int
) -> None:
    names = [f"toolu_{place}" for place in range(number)]
    calls = [{"type": "tool_use", "id": name, "name": "read", "input": {}} for name in names]
    results = [{"type": "tool_result", "tool_use_id": name, "content": [PICTURE]} for name in names]
    called = {"role": "assistant", "content": calls}

    response = ask(model=model, messages=[*HELLO, called, user(*results)])

    assert response.status_code == 200, response.content
    assert response.headers["X-XRouter-Adapted"] == "messages[2].content[0].content=rewritten"


def test_a_failure_after_the_first_chunk_is_an_event(sandbox: Sandbox) -> None:
    sandbox.faults.push("gigachat", cut())

    *_, last = events_of(ask(stream=True).getvalue())

    assert (last["type"], last["error"]["type"]) == ("error", "api_error")


def test_a_failure_before_it_is_a_status(sandbox: Sandbox) -> None:
    sandbox.faults.push("gigachat", http_error(429), times=None)

    response = ask(stream=True)

    assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
    assert response.headers["Retry-After"]


@pytest.mark.django_db
def test_every_refusal_before_the_reading_is_in_anthropics_shape(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    key = new_key(is_test=True)[1]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refusals = [
        (post(b"{}"), 401),
        (post(b"{}", "nobody's"), 401),
        (post(b"{}", path="/v1/messages/count_tokens"), 401),
        (client.get("/v1/messages", headers={"x-api-key": key}), 405),
        (client.get("/v1/messages/batches"), 404),
        (client.get("/api/v1/messages/batches/7"), 404),
        (post(b"{", key), 400),
        (post(b"{}", key), 400),
        (post(b" " * 101, key), 413),
        (post(b"{}", key, HTTP_CONTENT_ENCODING="gzip"), 415),
        (post(b"{}", key, HTTP_HOST="evil.example"), 400),
        (client.get("/v1/models/none", headers={"anthropic-version": "2023-06-01"}), 404),
        (client.get("/v1/models", headers={"anthropic-version": "1", "x-api-key": "none"}), 401),
    ]
    monkeypatch.setattr(capacity, "running", 1_000_000)
    refusals.append((post(b"{}", key), 503))

    for response, status in refusals:
        assert response.status_code == status
        check(response.json(), "AnthropicError")
        assert response.headers["request-id"] == response.json()["request_id"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}]
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_dialogue_kept_at_the_server_is_refused_by_the_code_that_sdks_act_on(
    thread: JSON, path: str
) -> None:
    response = ask(path=path, thread=thread)

    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["details"] == {"error_code": "thread_unsupported_request", "param": "thread"}


def test_tokens_are_counted_under_a_limit_of_their_own(sandbox: Sandbox) -> None:
    key = new_key(is_test=True)[1]
    body: JSON = {"model": "gigachat-basic", "messages": HELLO}
    for _ in range(150):
        counted = post(orjson.dumps(body), key, "/v1/messages/count_tokens")
        assert list(counted.json()) == ["input_tokens"]
        bearer = {"Authorization": f"Bearer {key}"}
        same = Client().post("/v1/tokens/count", body, "application/json", headers=bearer)
        assert same.json()["data"]["tokens"] == counted.json()["input_tokens"] > 0

    refused = post(orjson.dumps(body), key, "/v1/messages/count_tokens")

    assert refused.status_code == 429
    assert refused.json()["error"]["details"]["limit_source"] == "count"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert ask(key=key).headers["x-ratelimit-remaining-requests"] == "19"


@pytest.mark.django_db
def test_the_models_are_listed_page_by_page() -> None:
    headers = {"anthropic-version": "2023-06-01"}

    def page(**query: Any) -> JSON:
        document: JSON = Client().get("/v1/models", query, headers=headers).json()
        return document

    whole = page()
    names = [model["id"] for model in whole["data"]]
    assert whole["has_more"] is False
    assert (whole["first_id"], whole["last_id"]) == (names[0], names[-1])
    assert {model["type"] for model in whole["data"]} == {"model"}
    first = page(limit=2)
    assert first["has_more"] is True
    assert [model["id"] for model in page(limit=2, after_id=first["last_id"])["data"]] == names[2:4]
    assert [model["id"] for model in page(limit=2, before_id=names[4])["data"]] == names[2:4]
    one = Client().get("/v1/models/gigachat-pro", headers=headers).json()
    assert one in whole["data"]
    assert Client().get("/v1/models").json()["object"] == "list"


@pytest.mark.django_db
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"after_id": "none"}])
def test_a_page_that_is_none_is_refused(query: JSON) -> None:
    response = Client().get("/v1/models", query, headers={"anthropic-version": "2023-06-01"})

    assert response.status_code == 400
    assert response.json()["error"]["details"]["param"] in query
