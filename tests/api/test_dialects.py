"""A dialect is a class and lines of the URL table: one of the tests' own, driven through the real view."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import path

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.capacity import capacity
from gateway.api.endpoints.chat import CompletionView
from gateway.api.endpoints.not_found import NotFoundView
from gateway.api.errors import Failure
from gateway.api.sse import frame
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.execution.stream import Completion, CompletionStream
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import ChatRequest, Message
from gateway.providers.tick import Tick
from infra.request_id import request_id
from sandbox.core.faults import cut, http_error
from sandbox.server import Sandbox
from tests.accounts.people import new_key
from xrouter_site import urls
from xrouter_site.urls import handler400, handler404, handler500  # noqa: F401  # Django reads them

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls(__name__),
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]
JSON = dict[str, Any]


class EchoWriter:
    """Repeats the question, and counts its events: what it remembers of the request and the stream."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._count = 0

    def answer(self, completion: Completion, stream: CompletionStream) -> JSON:
        return {
            "asked": self._question,
            "answer": completion.text,
            "tokens": stream.outcome.usage.completion_tokens,
            "why": stream.outcome.finish_reason,
        }

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        yield self._event(b"begin", {"asked": self._question})
        for chunk in stream:
            if isinstance(chunk, Tick):
                yield frame(b"{}", event=b"ping")
            elif chunk.text:
                yield self._event(b"piece", {"text": chunk.text})
        yield self._event(b"end", {"why": stream.outcome.finish_reason})

    def failure_event(self, failure: Failure) -> bytes:
        return self._event(b"broken", {"wrong": failure.code})

    def _event(self, name: bytes, fields: JSON) -> bytes:
        self._count += 1
        return frame(orjson.dumps({"n": self._count, **fields}), event=name)


class Echo:
    """A dialect that has nothing of OpenAI's: its own header, field, events and errors."""

    def credential(self, headers: Mapping[str, str]) -> str | None:
        key = headers.get("X-Echo-Key")
        return None if key is None else f"Bearer {key}"

    def read(self, body: JSON, *, is_strict: bool) -> tuple[CompletionRequest, EchoWriter]:
        question = body.get("question")
        if not isinstance(question, str):
            raise InvalidParameter("question is missing.", param="question")
        request = ChatRequest((Message("user", question),), stream="live" in body)
        completion_request = CompletionRequest(request, models=(body["of"],), is_strict=is_strict)
        return completion_request, EchoWriter(question)

    def error(self, failure: Failure) -> JSON:
        return {"wrong": failure.code, "at": failure.param, "request": request_id.get()}

    def headers(self) -> Mapping[str, str]:
        return {"Echo-Request": request_id.get()}


ECHO = Echo()
urlpatterns = [
    path("v1/echo", CompletionView.as_view(dialect=ECHO)),
    path("v1/echo/<path:rest>", NotFoundView.as_view(dialect=ECHO)),
    *urls.urlpatterns,
]


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


def ask(**fields: Any) -> Any:
    """Ask what only a test key asks: the sandbox."""
    key = new_key(is_test=True)[1]
    body = {"of": "gigachat-basic", "question": "Столица Армении?"} | fields
    return post(orjson.dumps(body), key)


def post(body: bytes, key: str = "", **meta: Any) -> Any:
    headers = {"x-echo-key": key} if key else {}
    client = Client(raise_request_exception=False)
    return client.post("/v1/echo", body, "application/json", headers=headers, **meta)


def events_of(response: Any) -> list[tuple[str, JSON]]:
    frames = response.getvalue().decode().strip().split("\n\n")
    parted = [frame.removeprefix("event: ").split("\ndata: ") for frame in frames]
    return [(name, orjson.loads(data)) for name, data in parted]


def test_a_plain_answer_is_the_dialects(sandbox: Sandbox) -> None:
    response = ask()

    assert response.status_code == 200
    document = response.json()
    assert document.pop("tokens") > 0
    assert document.pop("answer")
    assert document == {"asked": "Столица Армении?", "why": "stop"}
    assert response.headers["X-Generation-Id"].startswith("gen-")
    assert response.headers["Echo-Request"] == response.headers["X-Request-ID"]


def test_a_streamed_answer_is_the_dialects(sandbox: Sandbox) -> None:
    response = ask(live=True)

    events = events_of(response)
    names = [name for name, _ in events if name != "ping"]
    assert names[0] == "begin"
    assert names[-1] == "end"
    assert set(names[1:-1]) == {"piece"}
    counted = [fields["n"] for name, fields in events if name != "ping"]
    assert counted == list(range(1, len(counted) + 1))
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Echo-Request"] == response.headers["X-Request-ID"]


def test_both_forms_say_the_same(sandbox: Sandbox) -> None:
    streamed = "".join(fields.get("text", "") for _, fields in events_of(ask(live=True)))

    assert ask().json()["answer"] == streamed


@pytest.mark.parametrize("form", [{}, {"live": True}], ids=["plain", "streamed"])
def test_a_failure_before_the_first_chunk_is_a_status(sandbox: Sandbox, form: JSON) -> None:
    sandbox.faults.push("gigachat", http_error(429), times=None)

    response = ask(**form)

    assert response.status_code == 429
    assert response.json()["wrong"] == "provider_busy"
    assert response.headers["Retry-After"]
    assert response.headers["X-XRouter-Attempts"] == "1"


def test_a_failure_after_the_first_chunk_is_an_event(sandbox: Sandbox) -> None:
    sandbox.faults.push("gigachat", cut())

    events = events_of(ask(live=True))

    assert [name for name, _ in events if name != "ping"][-2:] == ["piece", "broken"]
    assert events[-1][1] == {"n": len(events), "wrong": "provider_error"}


def test_a_request_that_cannot_be_read_is_refused_in_the_dialect() -> None:
    response = ask(question=7)

    assert response.status_code == 400
    refusal = {"wrong": "invalid_parameter", "at": "question"}
    assert response.json() == refusal | {"request": response.headers["X-Request-ID"]}


def test_every_refusal_before_the_reading_is_in_the_dialect(settings: LazySettings) -> None:
    client = Client(raise_request_exception=False)
    key = new_key(is_test=True)[1]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refusals = {
        post(b"{}"): (401, "invalid_api_key"),
        post(b"{}", "nobody's"): (401, "invalid_api_key"),
        client.get("/v1/echo", headers={"x-echo-key": key}): (405, "method_not_allowed"),
        client.get("/v1/echo/nothing"): (404, "not_found"),
        post(b"{", key): (400, "invalid_json"),
        post(b"[]", key): (400, "invalid_request"),
        post(b" " * 101, key): (413, "request_too_large"),
        post(b"{}", key, HTTP_CONTENT_ENCODING="gzip"): (415, "unsupported_media_type"),
        post(b"{}", key, HTTP_HOST="evil.example"): (400, "invalid_request"),
    }

    for response, (status, code) in refusals.items():
        assert response.status_code == status, code
        assert response.json()["wrong"] == code
        assert response.headers["Echo-Request"] == response.headers["X-Request-ID"]
        challenge = 'Bearer realm="XRouter"' if status == 401 else None
        assert response.headers.get("WWW-Authenticate") == challenge


def test_a_worker_that_is_full_says_so_in_the_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "running", 1_000_000)

    response = ask()

    assert response.status_code == 503
    assert response.json()["wrong"] == "overloaded"


def test_a_fault_of_ours_is_told_in_the_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ECHO, "read", broken)

    response = ask()

    assert response.status_code == 500
    assert response.json()["wrong"] == "internal_error"


def test_a_browser_may_read_the_headers_of_the_dialect(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["*"]

    response = Client().post("/v1/echo", headers={"origin": "https://app.example"})

    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Generation-Id", "Echo-Request"} <= set(exposed)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/v1/embeddings"])
def test_a_browser_may_read_what_a_client_acts_on(settings: LazySettings, path: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["*"]

    response = Client().post(path, headers={"origin": "https://app.example"})

    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"x-should-retry", "WWW-Authenticate", "Retry-After"} <= set(exposed)
    assert ("request-id" in exposed) == (path == "/v1/messages")


def test_neighbouring_paths_keep_their_own_dialect() -> None:
    codes = {"/v1/nothing": "not_found", "/v1/echoes": "not_found", "/api/v1/nothing": 404}
    for address, code in codes.items():
        response = Client().get(address)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == code
        assert "Echo-Request" not in response.headers
