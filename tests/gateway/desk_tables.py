"""Every table of the operators' desk: how a row of it comes to be, and what is typed there."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model
from django.utils import timezone

from accounts.audit import AuditEntry
from accounts.models import Account, APIKey, OAuthApplication, OAuthToken, User
from billing.models import CreditAccount, Generation, LedgerEntry, Price, UpstreamPrice
from gateway.models import LanguageModel, OpenAIServer, ProviderCredential, Route
from tests.accounts.let_in import live_token
from tests.accounts.people import account_of, new_key
from tests.billing.payers import CREDIT, open_account

SECRET = "a-secret-of-nobody-0123456789"


@dataclass(frozen=True)
class Table:
    """How a row comes to be, and what is typed to add one and to change it."""

    make: Callable[[], Model]
    add: dict[str, Any] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)


def a_model() -> LanguageModel:
    model = LanguageModel.objects.create(
        public_id="a-model", name="A model", owned_by="us", context_tokens=10, max_output_tokens=5
    )
    Route.objects.create(model=model, provider="gigachat", upstream_id="GigaChat-2")
    return model


def _price(model: type[Model], **names: str) -> Model:
    return model._default_manager.create(
        valid_from=timezone.now() + dt.timedelta(days=1),
        **dict.fromkeys(("prompt_nano", "completion_nano", "cached_nano"), 5),
        **names,
    )


def a_credential() -> ProviderCredential:
    row = ProviderCredential(provider="gigachat", name="company")
    row.seal(SECRET)
    row.save()
    return row


PRICE = {"prompt_nano": 7, "completion_nano": 7, "cached_nano": 0}
NEW_MODEL = {
    **{"public_id": "new", "name": "New", "kind": "chat", "owned_by": "us"},
    **{"context_tokens": 10, "max_output_tokens": 5},
}
WRITTEN_ELSEWHERE = (AuditEntry, LedgerEntry, Generation)
LOOKED_AT = Table(lambda: open_account(CREDIT).credits)
TABLES: dict[type[Model], Table] = {
    Group: Table(lambda: Group.objects.create(name="a"), {"name": "b"}, {"name": "c"}),
    User: Table(lambda: account_of().owner, {"email": "new@example.ru"}, {"is_staff": "on"}),
    Account: Table(account_of, change={"name": "Rostovs"}),
    APIKey: Table(lambda: new_key()[0]),
    OAuthToken: Table(lambda: live_token(account_of().owner)),
    OAuthApplication: Table(lambda: live_token(account_of().owner).application),
    AuditEntry: LOOKED_AT,
    LedgerEntry: LOOKED_AT,
    Generation: LOOKED_AT,
    CreditAccount: LOOKED_AT,
    Price: Table(
        lambda: _price(Price, model_id="a"), {"model_id": "b"} | PRICE, {"prompt_nano": 9}
    ),
    UpstreamPrice: Table(
        lambda: _price(UpstreamPrice, provider="gigachat", upstream_id="a"),
        {"provider": "gigachat", "upstream_id": "b"} | PRICE,
        {"prompt_nano": 9},
    ),
    ProviderCredential: Table(
        a_credential,
        {"provider": "gigachat", "name": "new", "secret": SECRET, "settings": "{}"},
        {"secret": SECRET + "-2", "concurrency": 3},
    ),
    OpenAIServer: Table(
        lambda: OpenAIServer.objects.create(slug="a", name="A", base_url="http://127.0.0.1/v1"),
        {"slug": "b", "name": "B", "base_url": "http://127.0.0.1/v1"},
        {"name": "C"},
    ),
    LanguageModel: Table(a_model, NEW_MODEL, {"routes-0-weight": 9}),
    Route: Table(
        lambda: a_model().routes.get(),
        {"provider": "yandexgpt", "upstream_id": "yandexgpt/rc", "priority": 0, "weight": 2},
        {"weight": 9, "priority": 2},
    ),
}
