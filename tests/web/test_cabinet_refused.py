"""Refused requests stand among the others, with their error code; a hostile client fills no table."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.keys import issuing
from billing.models import Refusal
from billing.usage import refusals
from gateway.catalog import snapshot
from tests.billing.payers import open_account
from tests.billing.visitors import visitor
from xrouter_site.request_log import request_log

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_stores]
PAGE = "/cabinet/generations/"


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    snapshot.reset()


@pytest.fixture
def account() -> Any:
    return open_account()


@pytest.fixture
def key(account: Any) -> str:
    return issuing.issue(account=account, user=account.owner, name="site")[1]


def ask(key: str, body: dict[str, Any]) -> Any:
    """Send a request; what it leaves behind is written down before this returns."""
    response = Client().post(
        "/v1/chat/completions",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {key}"},
    )
    response.close()
    request_log.flush()
    refusals.writer.flush()
    return response


def test_a_refused_request_is_listed_with_its_code_and_field(account: Any, key: str):
    canary = "canary of a prompt"
    messages = [{"role": "user", "content": canary}]
    assert (
        ask(
            key, {"model": "gigachat-basic", "messages": messages, "temperature": "hot"}
        ).status_code
        == 400
    )
    assert ask(key, {"model": "no-such-model", "messages": messages}).status_code == 404
    assert ask(key, {"model": "gigachat-pro", "messages": messages}).status_code == 402

    page = visitor(account).get(PAGE).content.decode()
    for said in ("invalid_parameter (temperature)", "model_not_found", "insufficient_credits"):
        assert said in page
    assert canary not in page
    refused = visitor(account).get(PAGE, {"status": "refused"}).content.decode()
    assert "model_not_found" in refused
    assert (
        "model_not_found" not in visitor(account).get(PAGE, {"status": "answered"}).content.decode()
    )
    assert "model_not_found" not in visitor(open_account()).get(PAGE).content.decode()

    sent = visitor(account).get(PAGE, {"format": "csv", "status": "refused"})
    rows = list(csv.DictReader(io.StringIO(sent.getvalue().decode("utf-8-sig")), delimiter=";"))
    assert [row["error"] for row in rows] == [
        "insufficient_credits (model)",
        "model_not_found (model)",
        "invalid_parameter (temperature)",
    ]


def test_a_newcomer_whose_first_requests_were_refused_sees_them_on_the_overview(
    account: Any, key: str
):
    hello = [{"role": "user", "content": "Hello"}]
    ask(key, {"model": "gpt-4o", "messages": hello})
    page = visitor(account).get("/cabinet/").content.decode()
    assert "model_not_found" in page
    assert "2. Send a request" in page


def test_of_a_flood_a_part_is_kept(account: Any, key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "MOST_A_MINUTE", 3)
    for _ in range(5):
        ask(key, {"model": "no-such-model", "messages": [{"role": "user", "content": "x"}]})
    assert Refusal.objects.filter(account=account).count() == 3
