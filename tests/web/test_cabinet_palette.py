"""What Ctrl+K offers beside pages: the account's own keys, and the models."""

import pytest
from django.test import Client
from django.urls import resolve

from accounts.keys import issuing
from tests.gateway.customers import BORIS, a_key, customer

pytestmark = pytest.mark.django_db


def places(client: Client, group: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/cabinet/palette/").json()["groups"][group]["places"]
    return found


def test_it_offers_the_live_keys_of_the_account_and_no_other(client):
    account = customer(client)
    kept, revoked = a_key(account, "Shop"), a_key(account, "Old site")
    issuing.revoke(key=revoked)
    a_key(customer(Client(), BORIS), "Not mine")

    found = places(client, 0)

    assert found == [
        {"name": "Shop", "note": str(kept), "address": f"/cabinet/keys/{kept.digest}/"}
    ]


def test_it_offers_the_models_that_are_served_with_their_pages(client):
    customer(client)

    found = {place["note"]: place for place in places(client, 1)}

    assert found["gigachat-2-pro"]["name"] == "GigaChat 2 Pro"
    assert "gigachat-3-ultra" not in found
    assert all(resolve(place["address"]).url_name == "model" for place in found.values())
