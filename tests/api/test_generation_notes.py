"""A generation bears what the caller noted on the request, and the provider's cache hears one dialogue."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from billing.models import Generation
from gateway import upstreams
from gateway.catalog import snapshot
from sandbox.core.faults import http_error
from sandbox.server import Sandbox
from tests.accounts.people import new_key

pytestmark = [
    pytest.mark.both_stores,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]
JSON = dict[str, Any]
HELLO = {"role": "user", "content": "Назови столицу Армении."}
CHAT: JSON = {"model": "gigachat-basic", "messages": [HELLO]}
NOTES: JSON = {
    "user": "клиент 42",
    "session_id": "dialogue-7",
    "metadata": {"order": "A-1", "text": "две\nстроки", "empty": ""},
}
NO_NOTES: JSON = dict.fromkeys(NOTES)


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    snapshot.reset()
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.fixture
def key(db: None) -> str:
    return new_key(is_test=True)[1]


def post(key: str, path: str, body: JSON, **headers: str) -> Any:
    headers = {"authorization": f"Bearer {key}", **headers}
    return Client().post(path, orjson.dumps(body), "application/json", headers=headers)


def generation(key: str, identity: str) -> JSON:
    headers = {"authorization": f"Bearer {key}"}
    answer = Client().get(f"/v1/generation?id={identity}", headers=headers)
    data: JSON = answer.json()["data"]
    return data


def notes_of(data: JSON) -> JSON:
    return {name: data[name] for name in NOTES}


@pytest.mark.parametrize("form", [{}, {"stream": True}], ids=["plain", "streamed"])
def test_what_the_caller_noted_stands_on_the_generation(
    sandbox: Sandbox, key: str, form: JSON
) -> None:
    answer = post(key, "/v1/chat/completions", CHAT | NOTES | form, **{"x-request-id": "mine-1"})
    assert answer.getvalue()

    data = generation(key, answer.headers["X-Generation-Id"])

    assert notes_of(data) == NOTES
    assert (data["request_id"], data["queued_ms"]) == ("mine-1", 0)
    assert data["requested_model"] == "gigachat-basic"
    assert "X-XRouter-Adapted" not in answer.headers


def test_what_was_not_noted_is_null(sandbox: Sandbox, key: str) -> None:
    answer = post(key, "/v1/chat/completions", CHAT | {"prompt_cache_key": "not a session"})

    data = generation(key, answer.json()["id"])

    assert notes_of(data) == NO_NOTES
    assert data["request_id"] == answer.headers["X-Request-ID"]


def test_a_failed_request_bears_its_notes_too(sandbox: Sandbox, key: str) -> None:
    sandbox.faults.push("gigachat", http_error(500), times=None)

    answer = post(key, "/v1/chat/completions", CHAT | NOTES)

    assert answer.status_code == 502
    assert notes_of(generation(key, answer.headers["X-Generation-Id"])) == NOTES


def test_vectors_bear_their_user(sandbox: Sandbox, key: str) -> None:
    body = {"model": "embeddings", "input": "Ереван", "user": "клиент 42"}

    data = generation(key, post(key, "/v1/embeddings", body).headers["X-Generation-Id"])

    assert notes_of(data) == NO_NOTES | {"user": "клиент 42"}
    assert data["request_id"]


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("user", "x" * 257, "user"),
        ("session_id", "x" * 257, "session_id"),
        ("session_id", 7, "session_id"),
        ("metadata", {str(number): "" for number in range(17)}, "metadata"),
        ("metadata", {"x" * 65: ""}, "metadata"),
        ("metadata", {"a": "x" * 513}, "metadata.a"),
        ("metadata", {"a": 1}, "metadata.a"),
        ("metadata", {"a": None}, "metadata.a"),
        ("metadata", {"a": {"b": "c"}}, "metadata.a"),
        ("metadata", ["a"], "metadata"),
    ],
)
def test_notes_have_bounds(key: str, field: str, value: object, param: str) -> None:
    answer = post(key, "/v1/chat/completions", CHAT | {field: value})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_the_largest_notes_are_taken(sandbox: Sandbox, key: str) -> None:
    notes = {
        "user": "Ё" * 256,
        "session_id": "ё" * 256,
        "metadata": {f"{number:064}": "\U0001f600" * 512 for number in range(16)},
    }

    answer = post(key, "/v1/chat/completions", CHAT | notes)

    assert answer.status_code == 200
    assert notes_of(generation(key, answer.json()["id"])) == notes


def test_a_release_that_knows_no_notes_runs_on_the_same_table() -> None:
    for name in ("queued_ms", "end_user", "session_id", "metadata", "request_id"):
        field: Any = Generation._meta.get_field(name)
        assert field.null
        assert not field.has_default()


def sessions(sandbox: Sandbox, key: str, *dialogues: list[JSON], **fields: Any) -> list[str | None]:
    """Return what the provider hears of the dialogue, turn by turn."""
    before = len(sandbox.requests.of("gigachat", "completions"))
    for messages in dialogues:
        body = CHAT | {"messages": messages} | fields
        assert post(key, "/v1/chat/completions", body).status_code == 200
    heard = sandbox.requests.of("gigachat", "completions")[before:]
    return [request.headers.get("x-session-id") for request in heard]


@pytest.mark.parametrize(
    "opening",
    [[], [{"role": "system", "content": "Отвечай кратко."}]],
    ids=["without a system message", "with one"],
)
def test_a_dialogue_keeps_its_session_from_turn_to_turn(
    sandbox: Sandbox, key: str, opening: list[JSON]
) -> None:
    first = [*opening, HELLO]
    second = [
        *first,
        {"role": "assistant", "content": "Ереван."},
        {**HELLO, "content": "А Грузии?"},
    ]
    other = [*opening, {**HELLO, "content": "Назови столицу Грузии."}]

    one, two, three = sessions(sandbox, key, first, second, other)

    assert one == two != three
    assert one


def test_a_dialogue_that_is_named_keeps_its_session(sandbox: Sandbox, key: str) -> None:
    one, two = sessions(sandbox, key, [HELLO], [{**HELLO, "content": "Иное"}], session_id="d")

    assert one == two


@pytest.mark.parametrize("identity", ["gen-x", "gen-" + "0" * 32, "?"])
def test_a_generation_that_is_not_there_is_said_to_be_none(key: str, identity: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client().get("/v1/generation", {"id": identity}, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "not_found", "id")
    assert error["message"] == "There is no such generation."
