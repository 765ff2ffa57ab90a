"""Whom the sandbox answers on one's own machine and on the open internet, and who pays for it."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client

from billing.ledger import balances, ledger
from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from gateway.catalog import snapshot
from infra.credits import NANO_PER_CREDIT
from tests.accounts.people import account_of, new_key

CREDITS_NANO = 100 * NANO_PER_CREDIT


@pytest.fixture(autouse=True)
def _sandbox(transactional_db: None) -> Iterator[None]:
    """Serve the sandbox; the hold of a request is committed by a thread of its own."""
    snapshot.reset()
    upstreams.reset()
    yield
    upstreams.reset()
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.fixture
def public(settings: Any) -> Any:
    """Have people reach the service over https."""
    settings.PUBLIC_URL, settings.IS_HTTPS = "https://api.example.ru", True
    return settings


def ask(model: str = "gigachat-2-max", *, credits_nano: int = CREDITS_NANO, **key: Any) -> Any:
    """Ask with a new key; return the answer and what the balance lost."""
    account = account_of()
    if credits_nano:
        ledger.adjust(account.pk, credits_nano, reason="A gift.", actor_id=None)
    raw = new_key(**key)[1]
    body = {"model": model, "messages": [{"role": "user", "content": "Столица Армении?"}]}
    response = Client().post(
        "/v1/chat/completions",
        orjson.dumps(body),
        "application/json",
        headers={"authorization": f"Bearer {raw}"},
        secure=True,
    )
    return response, credits_nano - balances.exact(account.pk).posted_nano


def test_on_ones_own_machine_a_live_key_pays_for_the_sandbox():
    response, paid_nano = ask()
    assert response.status_code == 200
    assert paid_nano > 0


def test_on_the_open_internet_a_live_key_is_told_that_there_is_no_provider(public):
    for model in ("gigachat-2-max", "no-such-model"):
        response, paid_nano = ask(model)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (503, "no_provider_available")
        assert "operator" in error["message"]
        assert paid_nano <= 0


def test_a_public_sandbox_answers_live_keys_and_is_never_charged(public):
    public.SANDBOX = True
    response, paid_nano = ask()
    assert response.status_code == 200
    assert response.json()["usage"]["cost"] == 0
    assert paid_nano == 0


def test_a_public_sandbox_keeps_the_free_tier_to_its_models(public):
    public.SANDBOX = True
    assert ask(credits_nano=0)[0].status_code == 402
    assert ask("gigachat-basic", credits_nano=0)[0].status_code == 200


@pytest.mark.parametrize("is_on", [False, True])
def test_test_keys_have_the_sandbox_everywhere(public, is_on):
    public.SANDBOX = is_on
    response, paid_nano = ask(is_test=True)
    assert (response.status_code, paid_nano) == (200, 0)


def test_real_credentials_are_charged_and_what_they_do_not_serve_is_not_there(public):
    public.SANDBOX = True
    public.YANDEX_API_KEY, public.YANDEX_FOLDER_ID = "AQVN", "b1g"
    assert not upstreams.is_sandboxed(is_test=False)
    assert not upstreams.is_free_of_charge(is_test=False)
    assert upstreams.served(is_test=False) == {"yandexgpt"}
    assert ask()[0].status_code == 404


@pytest.mark.parametrize("page", ["/", "/models/", "/status/", "/docs/", "/v1/models"])
def test_pages_are_there_while_nobody_answers(public, page):
    public.SECURE_SSL_REDIRECT = False
    assert Client().get(page, secure=True).status_code == 200
