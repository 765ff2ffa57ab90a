"""A key for the examples of a page: made once a page, told once, and only to its owner."""

import pytest
from django.test import Client

from accounts import suspension
from accounts.keys.key_format import digest_of
from accounts.models import APIKey
from tests.gateway.customers import customer, field_value
from web.public.code_samples import KEY_PLACEHOLDER

pytestmark = pytest.mark.django_db

PAGES = ("/docs/quickstart/", "/docs/en/quickstart/", "/models/gigachat-2-pro/")
CREATE = "/cabinet/keys/for-examples/"


def token_on(client: Client, page: str) -> str:
    return field_value(client.get(page).content.decode(), "form_token")


@pytest.mark.parametrize("page", PAGES)
def test_whoever_is_logged_in_is_offered_a_key_and_a_stranger_is_not(page, client):
    assert CREATE not in client.get(page).content.decode()
    customer(client)
    text = client.get(page).content.decode()
    assert CREATE in text
    assert f'data-example-key="{KEY_PLACEHOLDER}"' in text


def test_a_page_without_a_key_in_its_examples_offers_none(client):
    customer(client)
    for page in ("/docs/cabinet/", "/docs/", "/terms/"):
        assert CREATE not in client.get(page).content.decode()


def test_a_key_is_told_once_and_belongs_to_the_account(client):
    account = customer(client)
    token = token_on(client, PAGES[0])

    answer = client.post(CREATE, {"form_token": token})

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    key = APIKey.objects.get(digest=digest_of(answer.json()["key"]))
    assert key.account_id == account.pk
    assert answer.json()["address"] == f"/cabinet/keys/{key.digest}/"
    again = client.post(CREATE, {"form_token": token})
    assert again.status_code == 409
    assert "key" not in again.json()
    assert APIKey.objects.count() == 1


def test_another_persons_token_makes_no_key(client):
    customer(client)
    token = token_on(client, PAGES[0])
    other = Client()
    customer(other, "other@example.ru")
    assert other.post(CREATE, {"form_token": token}).status_code == 409
    assert APIKey.objects.count() == 0


def test_a_suspended_account_is_told_why_it_gets_none(client):
    account = customer(client)
    token = token_on(client, PAGES[0])
    suspension.suspend(account=account, reason="Abuse.")
    answer = client.post(CREATE, {"form_token": token}, headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    assert answer.json() == {"error": "A suspended account makes no keys."}
