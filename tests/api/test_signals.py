"""What the API notes for the watch, and what it answers whom the watch has judged."""

import pytest
from django.test import Client

from accounts.models import SecurityEvent
from accounts.security import watch
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db
REFUSED = "xrouter-moderation-test"


@pytest.fixture(autouse=True)
def _fresh_watch():
    watch._watch_with.cache_clear()


def chat(raw: str, text: str, path: str = "chat/completions", **fields):
    body = {"model": "gigachat-basic", "messages": [{"role": "user", "content": text}]} | fields
    return Client().post(
        f"/v1/{path}", body, "application/json", headers={"Authorization": f"Bearer {raw}"}
    )


def signals() -> list[str]:
    watch.current().look()
    return list(SecurityEvent.objects.values_list("signal", flat=True))


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_refused_credentials_of_a_network_are_429_and_good_ones_go_on(header, settings):
    settings.REDIS_URL = ""
    _, raw = new_key()
    path = "/v1/key" if header == "Authorization" else "/v1/messages/count_tokens"

    def ask(credential: str):
        text = f"Bearer {credential}" if header == "Authorization" else credential
        method = Client().get if header == "Authorization" else Client().post
        return method(path, headers={header: text}, REMOTE_ADDR="203.0.113.7")

    assert {ask(f"bad-{number}").status_code for number in range(30)} == {401}
    assert signals() == ["refused_credentials"]
    refused = ask("bad")
    assert refused.status_code == 429
    assert 590 <= int(refused.headers["Retry-After"]) <= 600
    assert refused.headers["x-should-retry"] == "false"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert ask(raw).status_code in {200, 415}
    if header == "Authorization":
        error = refused.json()["error"]
        assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")
        assert error["metadata"] == {"limit_source": "refused_credentials"}
        without = Client().get(path, REMOTE_ADDR="203.0.113.7")
        assert without.status_code == 401


def test_no_credential_is_no_refused_one(settings):
    settings.REDIS_URL = ""
    for _ in range(40):
        assert Client().get("/v1/key", REMOTE_ADDR="203.0.113.7").status_code == 401
    assert signals() == []


@pytest.mark.parametrize("path", ["chat/completions", "embeddings", "messages"])
def test_refusals_of_moderation_are_noted(path, settings):
    settings.REDIS_URL = ""
    key, raw = new_key(is_test=True)
    more = {"input": REFUSED, "model": "embeddings"} if path == "embeddings" else {"max_tokens": 9}
    for number in range(11):
        assert signals() == []
        answer = chat(raw, REFUSED, path, **more)
        assert answer.status_code == 403, (number, answer.content)
    assert signals() == ["moderation_refusals"]
    assert SecurityEvent.objects.get().account == key.account


def test_a_closed_free_tier_asks_for_credits(settings):
    settings.FREE_TIER = False
    _, raw = new_key()
    answer = chat(raw, "Привет")
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert error["code"] == "insufficient_credits"
    assert "/cabinet/billing/" in error["message"]
    _, test_raw = new_key(is_test=True)
    assert chat(test_raw, REFUSED).status_code == 403  # a test key costs nobody anything
