"""People who are logged in to the cabinet, with keys, credits and past requests."""

import datetime as dt
import re
from typing import Any

from django.db.models.functions import Now
from django.test import Client

from accounts import users
from accounts.keys import issuing, key_principal
from accounts.models import Account, APIKey
from billing.ledger import balances, ledger
from billing.models import Generation, Price, ProcessLease
from billing.usage import generations
from infra.credits import NANO_PER_CREDIT
from tests.billing.payers import PROCESS
from tests.billing.usage_rows import ago, use

ANNA, BORIS = "anna@example.ru", "boris@example.ru"
MODEL = "gigachat-pro"
XSS = '"><script>alert(1)</script>'


def customer(client: Client, email: str = ANNA, roubles: int = 0) -> Account:
    """Log a new person in and return their account."""
    balances.forget_all()
    account = users.register(email=email)
    client.force_login(account.owner)
    if roubles:
        ledger.top_up(account.pk, roubles * NANO_PER_CREDIT, payment_id=f"payment of {email}")
    return account


def a_key(account: Account, name: str = "shell", **options: Any) -> APIKey:
    return issuing.issue(account=account, user=account.owner, name=name, **options)[0]


def a_request(
    key: APIKey, *, at: dt.datetime | None = None, cost_nano: int = 0, **facts: Any
) -> str:
    """Do what a request does, and return its public id."""
    ProcessLease.objects.get_or_create(process_id=PROCESS, defaults={"renewed_at": Now()})
    before = set(Generation.objects.values_list("pk", flat=True))
    result: dict[str, Any] = {
        "provider": "gigachat",
        "finish_reason": "stop",
        "price_id": price().pk,
    }
    use(key_principal.principal_of(key), at or ago(seconds=1), cost_nano, **(result | facts))
    [generation_id] = set(Generation.objects.values_list("pk", flat=True)) - before
    return generations.public_id(generation_id)


def price() -> Price:
    """Return the seeded price of the model that requests here ask."""
    return Price.objects.filter(model_id=MODEL).latest("valid_from")


def field_value(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]
