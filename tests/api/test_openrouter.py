"""/api/v1 answers in OpenRouter's dialect: as its SDKs parse it, with errors and streams of its own."""

import json
import pathlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import APIKey
from billing.ledger import ledger
from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.api.dialects.openrouter import error_body
from gateway.api.errors import failure_of
from gateway.catalog import snapshot
from gateway.pipeline import errors as pipeline
from gateway.providers import errors as providers
from infra.moscow_time import moscow_day
from sandbox.core.faults import cut
from sandbox.server import Sandbox
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.people import new_key

JSON = dict[str, Any]

SHAPES: JSON = orjson.loads((pathlib.Path(__file__).parent / "openrouter_shapes.json").read_bytes())
"""What the SDKs demand of each answer: clients/openrouter_shapes.py writes it from their models."""

HELLO = [{"role": "user", "content": "Столица Армении?"}]
CREDIT = 1_000_000_000

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


class OpenRouterCaller:
    """Whoever has a credential, and asks under /api/v1."""

    def __init__(self, credential: str = "") -> None:
        self._headers = {"Authorization": f"Bearer {credential}"} if credential else {}

    def get(self, path: str, **query: str) -> Any:
        return Client().get(f"/api/v1/{path}", query, headers=self._headers)

    def send(self, method: str, path: str, body: object = None) -> Any:
        data = b"" if body is None else orjson.dumps(body)
        return Client(raise_request_exception=False).generic(
            method, f"/api/v1/{path}", data, "application/json", headers=self._headers
        )

    def chat(self, path: str = "chat/completions", **fields: object) -> Any:
        question = {"prompt": "Столица?"} if path == "completions" else {"messages": HELLO}
        return self.send("POST", path, {"model": "gigachat-basic", **question, **fields})


def checked(response: Any, shape: str, status: int = 200) -> JSON:
    """Return a body that the SDKs would parse."""
    assert response.status_code == status, response.content
    document: JSON = json.loads(response.content, parse_float=Decimal)
    fits(response.json(), shape)
    return document


def fits(document: object, shape: str) -> None:
    Draft202012Validator(SHAPES[shape]).validate(document)


def events_of(response: Any) -> list[str]:
    """Return the data of a stream's events."""
    frames = response.getvalue().decode().strip().split("\n\n")
    return [frame.removeprefix("data: ") for frame in frames if not frame.startswith(":")]


def chunks_of(response: Any) -> list[JSON]:
    """Return the chunks of a stream; what ends it is left out."""
    return [orjson.loads(text) for text in events_of(response) if text != "[DONE]"]


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[Sandbox]:
    """Return what answers test keys; the hold of a request is committed by a thread of its own."""
    snapshot.reset()
    sandbox = upstreams.sandbox()
    yield sandbox
    sandbox.faults.clear()
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.fixture
def tester(sandbox: Sandbox) -> OpenRouterCaller:
    return OpenRouterCaller(new_key(is_test=True)[1])


@pytest.fixture
def catalogue() -> Iterator[None]:
    snapshot.reset()
    yield
    snapshot.reset()


def test_a_plain_answer_is_parsed(tester: OpenRouterCaller) -> None:
    answer = checked(tester.chat(), "chat")

    assert answer["object"] == "chat.completion"
    assert answer["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("fields", [{}, {"stream_options": {"include_usage": True}}])
def test_a_stream_always_ends_with_one_chunk_of_usage(
    tester: OpenRouterCaller, fields: JSON
) -> None:
    *events, done = events_of(tester.chat(stream=True, **fields))

    chunks = [orjson.loads(event) for event in events]
    for chunk in chunks:
        fits(chunk, "chunk")
    assert done == "[DONE]"
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["choices"] == []


def test_a_failure_within_a_stream_is_a_whole_chunk(
    sandbox: Sandbox, tester: OpenRouterCaller
) -> None:
    sandbox.faults.push("gigachat", cut())

    events = events_of(tester.chat(stream=True))

    assert "[DONE]" not in events
    chunks = [orjson.loads(event) for event in events]
    for chunk in chunks:
        fits(chunk, "chunk")
    first, last = chunks[0], chunks[-1]
    assert last["id"] == first["id"]
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["error"]["code"] == 502
    assert last["error"]["metadata"]["code"] == "provider_error"
    assert last["error"]["metadata"]["error_type"] == "provider_unavailable"
    assert last["usage"]["completion_tokens"] > 0


def test_texts_stream_as_texts_and_fail_as_texts(
    sandbox: Sandbox, tester: OpenRouterCaller
) -> None:
    whole = chunks_of(tester.chat("completions", stream=True))
    sandbox.faults.push("gigachat", cut())
    broken = chunks_of(tester.chat("completions", stream=True))

    choices = [choice for chunk in (*whole, *broken) for choice in chunk["choices"]]
    assert all("text" in choice and "delta" not in choice for choice in choices)
    assert {chunk["object"] for chunk in (*whole, *broken)} == {"text_completion"}
    assert "usage" in whole[-1]
    assert broken[-1]["error"]["code"] == 502


def test_an_error_bears_its_status_and_our_code_beside_it(catalogue: None) -> None:
    caller = OpenRouterCaller(new_key()[1])
    refusals = {
        (401, "invalid_api_key", "authentication"): OpenRouterCaller("nobody").chat(),
        (402, "insufficient_credits", "payment_required"): caller.chat(model="gigachat-pro"),
        (400, "invalid_parameter", "invalid_request"): caller.chat(temperature=99),
        (403, "content_filter", "content_policy_violation"): caller.chat(
            messages=[{"role": "user", "content": "xrouter-moderation-test"}]
        ),
        (404, "model_not_found", "not_found"): caller.chat(model="gpt-0"),
        (404, "not_found", "not_found"): caller.get("nothing"),
        (405, "method_not_allowed", "invalid_request"): caller.send("PUT", "models"),
        (403, "insufficient_scope", "permission_denied"): caller.get("keys"),
    }

    for (status, code, kind), response in refusals.items():
        error = checked(response, "error", status)["error"]
        assert error["code"] == status
        assert (error["metadata"]["code"], error["metadata"]["error_type"]) == (code, kind)
        assert error["message"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pipeline.ContextLengthExceeded("?", param="messages"), "context_length_exceeded"),
        (providers.ProviderRateLimited("?", provider="gigachat", raw=None), "provider_overloaded"),
        (providers.ProviderTimeout("?", provider="gigachat", raw=None), "timeout"),
        (pipeline.NoProviderAvailable("?"), "provider_unavailable"),
        (ZeroDivisionError(), "server"),
    ],
)
def test_a_failure_has_a_type_of_openrouters(error: Exception, kind: str) -> None:
    body = error_body(failure_of(error))

    fits(body, "error")
    assert body["error"]["metadata"]["error_type"] == kind


def test_models_are_parsed_listed_in_pages_and_counted(catalogue: None) -> None:
    nobody = OpenRouterCaller()

    whole = checked(nobody.get("models"), "models")
    pages, address = [], "models?limit=20"
    while address:
        page = checked(nobody.get(address), "models")
        pages.append(page)
        address = (page["links"]["next"] or "").removeprefix("/api/v1/")

    assert whole["links"]["next"] is None
    assert [card for page in pages for card in page["data"]] == whole["data"]
    assert {page["total_count"] for page in pages} == {len(whole["data"])}
    counted = checked(nobody.get("models/count"), "count")
    assert counted["data"]["count"] == len(whole["data"])


def test_models_are_chosen_by_what_they_give_and_put_in_order(catalogue: None) -> None:
    nobody = OpenRouterCaller()

    texts = nobody.get("models", output_modalities="text").json()["data"]
    vectors = checked(nobody.get("embeddings/models"), "models")["data"]
    count = nobody.get("models/count", output_modalities="embeddings").json()["data"]["count"]
    widest = nobody.get("models", sort="context-high-to-low").json()["data"]
    named = nobody.get("models", category="roleplay")

    assert len(vectors) == count > 1
    assert {card["architecture"]["output_modalities"][0] for card in texts} == {"text"}
    assert len(widest) == len(texts) + len(vectors)
    lengths = [card["context_length"] for card in widest]
    assert lengths == sorted(lengths, reverse=True)
    assert named.headers["X-XRouter-Adapted"] == "category=ignored"
    assert nobody.get("models", sort="top-weekly").status_code == 400


def test_a_models_own_list_is_that_of_its_key(catalogue: None) -> None:
    caller = OpenRouterCaller(new_key(allowed_models=["gigachat-pro"])[1])

    cards = checked(caller.get("models/user"), "models")["data"]

    assert [card["id"] for card in cards] == ["gigachat-pro"]
    assert OpenRouterCaller().get("models/user").status_code == 401


def test_the_endpoints_of_every_model_are_found_where_its_card_says(catalogue: None) -> None:
    nobody = OpenRouterCaller()
    cards = nobody.get("models").json()["data"]

    for card in cards:
        details = card["links"]["details"].removeprefix("/api/v1/")
        shown = checked(nobody.get(details), "endpoints")["data"]
        assert shown["id"] == card["id"]
        assert len(shown["endpoints"]) >= 1
        one = details.removeprefix("models/").removesuffix("/endpoints")
        assert checked(nobody.get(f"model/{one}"), "model")["data"]["id"] == card["id"]


@pytest.mark.parametrize("author", ["gigachat", "sber"])
def test_a_model_is_found_by_its_provider_and_by_its_owner(catalogue: None, author: str) -> None:
    answer = OpenRouterCaller().get(f"models/{author}/gigachat-pro/endpoints")

    [endpoint] = checked(answer, "endpoints")["data"]["endpoints"]
    assert (endpoint["tag"], endpoint["provider_name"]) == ("gigachat", "GigaChat")
    assert endpoint["uptime_last_1d"] is None
    assert OpenRouterCaller().get("models/openai/gigachat-pro/endpoints").status_code == 404


def test_providers_are_parsed(catalogue: None) -> None:
    named = checked(OpenRouterCaller().get("providers"), "providers")["data"]

    assert {(one["name"], one["slug"]) for one in named} == {
        ("GigaChat", "gigachat"),
        ("YandexGPT", "yandexgpt"),
    }


def test_embeddings_are_parsed(tester: OpenRouterCaller) -> None:
    for encoding in ("float", "base64"):
        body = {"model": "embeddings", "input": ["Волга", "Ока"], "encoding_format": encoding}
        checked(tester.send("POST", "embeddings", body), "embeddings")


def test_a_key_tells_what_it_spent_and_what_the_free_tier_leaves(tester: OpenRouterCaller) -> None:
    key, raw = new_key("free@example.ru", limit_nano=5 * CREDIT, limit_reset="weekly")
    free = checked(OpenRouterCaller(raw).get("key"), "key")["data"]
    ledger.top_up(key.account_id, CREDIT, payment_id="payment")
    paid = checked(OpenRouterCaller(raw).get("auth/key"), "key")["data"]

    assert free["free_model_daily_requests"] == {"limit": 200, "remaining": 200, "used": 0}
    assert paid["free_model_daily_requests"] == {"limit": 0, "remaining": 0, "used": 0}
    assert (free["limit"], free["usage_weekly"], free["byok_usage"]) == (5, 0, 0)


def test_the_record_of_a_request_is_parsed_and_so_is_the_use_of_its_day(
    tester: OpenRouterCaller,
) -> None:
    made = tester.chat().json()
    record = checked(tester.get("generation", id=made["id"]), "generation")["data"]
    today = moscow_day(timezone.now()).isoformat()
    digest = APIKey.objects.get().hash

    [row] = checked(tester.get("activity", date=today, api_key_hash=digest), "activity")["data"]

    assert record["native_tokens_prompt"] == made["usage"]["prompt_tokens"]
    assert record["usage"] == record["total_cost"]
    assert row["completion_tokens"] == made["usage"]["completion_tokens"]
    assert row["requests"] == 1
    assert tester.get("activity", date="2020-01-01").json()["data"] == []
    assert tester.get("activity", api_key_hash="0" * 64).json()["data"] == []
    checked(tester.get("credits"), "credits")


def test_keys_are_made_read_changed_and_ended() -> None:
    caller = OpenRouterCaller(new_app().token(person(), scope="keys"))

    made = checked(caller.send("POST", "keys", {"name": "Продажи"}), "created key", 201)
    path = f"keys/{made['data']['hash']}"

    checked(caller.get("keys"), "keys")
    checked(caller.get(path), "managed key")
    checked(caller.send("PATCH", path, {"disabled": True}), "managed key")
    checked(caller.send("DELETE", path), "deleted key")
    assert caller.get(path).status_code == 404


@pytest.mark.parametrize("path", ["models/count", "models/user", "providers", "embeddings/models"])
def test_what_openrouter_alone_has_is_not_under_v1(catalogue: None, path: str) -> None:
    assert Client().get(f"/v1/{path}").status_code in (404, 405)
