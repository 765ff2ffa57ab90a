"""A key is made on its form, once, with all its bounds, and shown once."""

import logging
import re
from datetime import UTC, datetime

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from accounts.keys import issuing
from accounts.keys.bearer import authenticate
from accounts.keys.key_format import KEY_PATTERN
from accounts.models import APIKey
from infra.credits import NANO_PER_CREDIT as CREDIT
from tests.gateway.customers import BORIS, customer, field_value
from tests.web.key_pages import ENGLISH, PAGE, address, create, form_token, shown_key
from web.cabinet import form_tokens

pytestmark = pytest.mark.django_db


def test_a_name_is_enough_for_a_key_that_opens_the_api(client):
    account = customer(client)
    answer = create(client, "CI")
    raw = shown_key(answer)
    assert authenticate(f"Bearer {raw}").account_id == account.pk
    page = answer.content.decode()
    assert f'api_key="{raw}"' in page
    assert f"Authorization: Bearer {raw}" in page
    assert 'data-copy="#new-key"' in page


def test_a_key_is_shown_once_and_kept_nowhere_in_clear(client, caplog):
    customer(client)
    with caplog.at_level(logging.DEBUG):
        answer = create(client)
    raw = shown_key(answer)
    assert "no-store" in answer["Cache-Control"]
    assert raw not in caplog.text
    assert raw not in str([session.get_decoded() for session in Session.objects.all()])
    assert raw not in str(APIKey.objects.values())
    key = APIKey.objects.get()
    for path in (PAGE, address(key), "/cabinet/"):
        page = client.get(path).content.decode()
        assert raw not in page
        assert not re.search(KEY_PATTERN, page)
    assert str(key) in client.get(PAGE).content.decode()


def test_a_form_that_is_sent_again_makes_no_second_key(client):
    customer(client)
    form = {"name": "CI", "form_token": form_token(client)}
    raw = shown_key(client.post(PAGE, form))
    answer = client.post(PAGE, form, follow=True, headers=ENGLISH)
    page = answer.content.decode()
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "This form was sent before" in page
    assert raw not in page
    assert APIKey.objects.count() == 1


@pytest.mark.parametrize("token", ["", "nonsense", "7:x:y:z"])
def test_a_form_without_a_good_token_is_shown_again_with_what_was_typed(client, token):
    customer(client)
    answer = client.post(PAGE, {"name": "CI for ever", "form_token": token}, headers=ENGLISH)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "open for too long" in page
    assert "CI for ever" in page
    assert not APIKey.objects.exists()
    fresh = field_value(page, "form_token")
    shown_key(client.post(PAGE, {"name": "CI for ever", "form_token": fresh}))


def test_another_persons_token_is_no_good(client):
    stranger = Client()
    customer(stranger, BORIS)
    customer(client)
    answer = client.post(PAGE, {"name": "CI", "form_token": form_token(stranger)})
    assert answer.status_code == 422
    assert not APIKey.objects.exists()


def test_a_token_ends_with_its_life(monkeypatch):
    token = form_tokens.new_token("new-key", 1)
    monkeypatch.setattr(form_tokens, "LIFE_S", -1)
    assert form_tokens.use(token, "new-key", 1) == "expired"


def test_a_token_is_good_for_its_own_form_alone():
    token = form_tokens.new_token("new-key", 1)
    assert form_tokens.use(token, "another", 1) == "expired"
    assert form_tokens.use(token, "new-key", 1) == "fresh"
    assert form_tokens.use(token, "new-key", 1) == "used"
    cache.clear()


def test_everything_can_be_set_at_creation(client):
    customer(client)
    answer = create(
        client,
        "CI",
        limit="1 500,50",
        limit_reset="weekly",
        rate_requests="10",
        rate_window_s="60",
        allowed_models=["gigachat-pro", "yandexgpt:latest"],
        allowed_ips="203.0.113.7\r\n10.0.0.0/8, ::1",
        concurrency="3",
        expires_at="2100-01-31T15:00",
        is_test="on",
    )
    assert shown_key(answer).startswith("xr-test-")
    key = APIKey.objects.get()
    assert (key.limit_nano, key.limit_reset) == (1500 * CREDIT + CREDIT // 2, "weekly")
    assert (key.rate_requests, key.rate_window_s) == (10, 60)
    assert key.allowed_models == ["gigachat-pro", "yandexgpt:latest"]
    assert key.allowed_ips == ["203.0.113.7/32", "10.0.0.0/8", "::1/128"]
    assert key.is_test
    page = client.get(PAGE, headers=ENGLISH).content.decode()
    assert "0.00\N{NO-BREAK SPACE}₽ of 1,500.50\N{NO-BREAK SPACE}₽" in page
    assert "10 requests a minute" in page
    assert (key.concurrency, key.expires_at) == (3, datetime(2100, 1, 31, 12, tzinfo=UTC))
    assert "3 at once" in page
    assert "until 31 Jan 2100 15:00" in page


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "", "This field is required."),
        ("name", "a\x07b", "without control characters"),
        ("name", "x" * 101, "at most 100 characters"),
        ("limit", "-1", "A limit is not negative"),
        ("limit", "1,000", "Write an amount in roubles"),
        ("limit", "much", "Write an amount in roubles"),
        ("limit", "1e30", "Write an amount in roubles"),
        ("limit", "1000000000,01", "not above 1,000,000,000 roubles"),
        ("limit", "0.0000000001", "Write an amount in roubles"),
        ("limit_reset", "hourly", "Select a valid choice"),
        ("rate_requests", "0", "greater than or equal to 1"),
        ("rate_window_s", "7", "Select a valid choice"),
        ("concurrency", "0", "greater than or equal to 1"),
        ("concurrency", "501", "less than or equal to 500"),
        ("expires_at", "2001-01-31T15:00", "Choose a moment in the future."),
        ("expires_at", "tomorrow", "Enter a valid date/time."),
        ("allowed_models", "no-such-model", "Select a valid choice"),
        ("allowed_ips", "nonsense", "Write addresses or networks"),
        ("allowed_ips", "\n".join(f"10.0.0.{n}" for n in range(101)), "100 at most"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field_and_nothing_typed_is_lost(
    client, field, value, text
):
    customer(client)
    typed = {"name": "My own name", "allowed_ips": "203.0.113.99", field: value}
    answer = create(client, **typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert text in page
    assert f'id="id_{field}_error"' in page
    assert 'role="alert"' in page
    assert ("My own name" in page) == (field != "name")
    assert ("203.0.113.99" in page) == (field != "allowed_ips")
    assert not APIKey.objects.exists()


def test_the_examples_use_a_model_that_the_key_may_use(client):
    customer(client)
    page = create(client, allowed_models=["yandexgpt:latest"]).content.decode()
    assert "yandexgpt:latest" in page
    assert "gigachat-basic" not in page
    page = create(client, allowed_models=["embeddings"]).content.decode()
    assert "/chat/completions" not in page


def test_more_keys_in_an_hour_than_anyone_needs_are_refused(client):
    customer(client)
    statuses = [client.post(PAGE, {"name": ""}).status_code for _ in range(31)]
    assert statuses == [422] * 30 + [429]
    assert client.get(PAGE).status_code == 200


def test_an_account_with_too_many_keys_is_told_so_on_the_form(client, monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 1)
    customer(client)
    assert create(client).status_code == 200
    answer = create(client, "Another")
    assert answer.status_code == 422
    assert "An account has 1 keys at most. Revoke some." in answer.content.decode()
    assert "Another" in answer.content.decode()
    assert APIKey.objects.count() == 1
