"""Every table of the operators' admin: how a row of it comes to be, and what is typed there."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model
from django.utils import timezone

from accounts.audit.log import AuditEntry
from accounts.models import Account, APIKey, OAuthApplication, OAuthToken, SecurityEvent, User
from billing import redemption_codes
from billing.models import (
    AutoTopUp,
    CodeBatch,
    CreditAccount,
    Generation,
    LedgerEntry,
    Payment,
    PaymentRefund,
    Price,
    RedemptionCode,
    UpstreamPrice,
)
from gateway.models import (
    LanguageModel,
    ModerationEvent,
    ModerationRule,
    OpenAIServer,
    ProviderCredential,
    Route,
    ServiceIncident,
)
from tests.accounts.let_in import live_token
from tests.accounts.people import account_of, new_key
from tests.billing.payers import CREDIT, open_account, refunded

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
    row = ProviderCredential(provider="gigachat", name="company", enabled=False)
    row.seal(SECRET)
    row.save()
    return row


def a_payment() -> Payment:
    open_account(CREDIT)
    return Payment.objects.latest("pk")


def a_payment_refund() -> PaymentRefund:
    refunded(open_account(CREDIT), CREDIT)
    return PaymentRefund.objects.latest("pk")


def a_batch_of_codes() -> CodeBatch:
    batch, _codes = redemption_codes.make_batch(
        CREDIT,
        1,
        key=uuid.uuid4(),
        expires_at=timezone.now() + dt.timedelta(days=1),
        note="A batch",
        email="",
        operator_id=account_of().owner_id,
    )
    return batch


def a_saved_method() -> AutoTopUp:
    return AutoTopUp.objects.create(
        account=account_of(),
        method_id="method",
        method_title="MasterCard *4444",
        saved_at=timezone.now(),
    )


PRICE = {"prompt": "0.007", "completion": "0.007", "cached": "0", "_confirmed": "yes"}
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
    SecurityEvent: Table(
        lambda: SecurityEvent.objects.create(
            signal="moderation_refusals",
            account=account_of(),
            evidence={"refused": 11, "requests": 20},
        )
    ),
    AuditEntry: LOOKED_AT,
    LedgerEntry: LOOKED_AT,
    Generation: LOOKED_AT,
    Payment: Table(a_payment),
    PaymentRefund: Table(a_payment_refund),
    CreditAccount: LOOKED_AT,
    AutoTopUp: Table(a_saved_method),
    CodeBatch: Table(a_batch_of_codes),
    RedemptionCode: Table(lambda: a_batch_of_codes().codes.get()),
    Price: Table(
        lambda: _price(Price, model_id="gigachat-pro"),
        {"model_id": "gigachat-basic"} | PRICE,
        {"prompt": "0.009", "_confirmed": "yes"},
    ),
    UpstreamPrice: Table(
        lambda: _price(UpstreamPrice, provider="gigachat", upstream_id="a"),
        {"provider": "gigachat", "upstream_id": "b"} | PRICE,
        {"prompt": "0.009", "_confirmed": "yes"},
    ),
    ProviderCredential: Table(
        a_credential,
        {"provider": "gigachat", "name": "new", "secret": SECRET, "settings": "{}", "enabled": ""},
        {"secret": SECRET + "-2", "concurrency": 3},
    ),
    OpenAIServer: Table(
        lambda: OpenAIServer.objects.create(slug="a", name="A", base_url="http://127.0.0.1/v1"),
        {"slug": "b", "name": "B", "base_url": "http://127.0.0.1/v1"},
        {"name": "C"},
    ),
    ModerationEvent: Table(
        lambda: ModerationEvent.objects.create(
            account=account_of(), credential_kind="key", credential_id=1, category="drugs", rule="a"
        )
    ),
    ModerationRule: Table(
        lambda: ModerationRule.objects.create(name="a", category="drugs", words="огурец"),
        {
            **{"name": "b", "category": "drugs", "action": "flag", "tier": "all"},
            **{"words": "тыква", "within_words": 6},
        },
        {"within_words": 9},
    ),
    ServiceIncident: Table(
        lambda: ServiceIncident.objects.create(title="Сбой"),
        {"title": "Сбой", "began_at_0": "01.11.2026", "began_at_1": "10:00:00"},
        {"ended_at_0": "01.11.2199", "ended_at_1": "10:00:00"},
    ),
    LanguageModel: Table(a_model, NEW_MODEL, {"routes-0-weight": 9}),
    Route: Table(
        lambda: a_model().routes.get(),
        {"provider": "yandexgpt", "upstream_id": "yandexgpt/rc", "priority": 0, "weight": 2},
        {"weight": 9, "priority": 2},
    ),
}
