"""`dimensions` of embeddings: chosen where the model has several lengths, refused by name where not."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from billing.ledger.process_heartbeat import heartbeat
from gateway.catalog import snapshot
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_catalogue() -> Iterator[None]:
    snapshot.reset()
    yield
    heartbeat.stop()  # its thread would go to the database of other tests
    snapshot.reset()


def embed(model: str, **fields: object) -> Any:
    _, raw = new_key(is_test=True)
    return Client().post(
        "/v1/embeddings",
        orjson.dumps({"model": model, "input": ["раз", "два"]} | fields),
        "application/json",
        headers={"Authorization": f"Bearer {raw}", "Accept-Language": "en"},
    )


@pytest.mark.parametrize(("fields", "length"), [({}, 256), ({"dimensions": 768}, 768)])
def test_vectors_have_the_length_that_was_chosen(fields: dict[str, int], length: int) -> None:
    answer = embed("text-embeddings-v2-query", **fields)
    assert answer.status_code == 200, answer.content
    assert [len(item["embedding"]) for item in answer.json()["data"]] == [length, length]


@pytest.mark.parametrize(
    ("model", "size", "says"),
    [
        ("text-embeddings-v2-doc", 300, "128, 256, 512, 768"),
        ("text-search-doc", 128, "one length"),
        ("embeddings", 1024, "one length"),
        ("embeddings", 0, "dimensions"),
        ("embeddings", "256", "dimensions"),
    ],
)
def test_a_length_that_the_model_has_not_is_refused(model: str, size: object, says: str) -> None:
    refused = embed(model, dimensions=size)
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, "dimensions")
    assert says in error["message"]


def test_the_model_names_its_lengths() -> None:
    _, raw = new_key()
    found = Client().get(
        "/v1/parameters/text-embeddings-v2-doc", headers={"Authorization": f"Bearer {raw}"}
    )
    assert found.json()["data"]["parameters"]["dimensions"]["choices"] == [
        "128",
        "256",
        "512",
        "768",
    ]
