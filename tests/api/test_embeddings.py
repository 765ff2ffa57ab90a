"""Unknown fields of an embeddings body: named by their path, or refused where the caller is strict."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.model_map.changing import replace_entries
from billing.ledger.process_heartbeat import heartbeat
from gateway.catalog import snapshot
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db(transaction=True)
ADAPTED = "X-XRouter-Adapted"
STRICTLY = {"X-XRouter-Strict": "true"}


@pytest.fixture(autouse=True)
def _fresh_catalogue() -> Iterator[None]:
    snapshot.reset()
    yield
    heartbeat.stop()  # its thread would go to the database of other tests
    snapshot.reset()


@pytest.fixture
def raw() -> str:
    key, raw = new_key(is_test=True)
    replace_entries(key.account, {"ada": "embeddings"})
    return raw


def embed(raw: str, headers: dict[str, str] | None = None, **fields: object) -> Any:
    return Client().post(
        "/v1/embeddings",
        orjson.dumps({"model": "embeddings", "input": "раз"} | fields),
        "application/json",
        headers={"Authorization": f"Bearer {raw}"} | (headers or {}),
    )


def test_unknown_fields_are_named_in_the_header_and_on_the_generation(raw: str) -> None:
    answer = embed(raw, model="ada", input_type="query", provider={"order": ["gigachat"]})
    assert answer.status_code == 200, answer.content
    named = ["model=mapped", "input_type=ignored", "provider=ignored"]
    assert answer.headers[ADAPTED] == ", ".join(named)
    generation = Client().get(
        "/v1/generation",
        {"id": answer.headers["X-Generation-Id"]},
        headers={"Authorization": f"Bearer {raw}"},
    )
    assert generation.json()["data"]["adapted"] == named


def test_a_strict_caller_is_refused_with_the_name_of_an_unknown_field(raw: str) -> None:
    refused = embed(raw, STRICTLY, input_type="query")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "invalid_parameter")
    assert error["param"] == "input_type"


def test_what_every_client_sends_is_named_to_nobody(raw: str) -> None:
    fields = {"encoding_format": "base64", "user": "anna", "dimensions": None, "input_type": None}
    for headers in ({}, STRICTLY):
        answer = embed(raw, headers, **fields)
        assert answer.status_code == 200, answer.content
        assert ADAPTED not in answer.headers


def test_a_mapped_name_passes_where_the_caller_is_strict(raw: str) -> None:
    answer = embed(raw, STRICTLY, model="ada")
    assert (answer.status_code, answer.headers[ADAPTED]) == (200, "model=mapped")


def test_many_unknown_fields_are_no_reason_to_refuse(raw: str) -> None:
    fields: dict[str, Any] = {f"field_{number}": 1 for number in range(1000)}
    answer = embed(raw, **fields)
    assert answer.status_code == 200
    assert answer.headers[ADAPTED].startswith("field_0=ignored, field_1=ignored, ")
