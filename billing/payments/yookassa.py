"""YooKassa's payments and refunds, through its own client library.

https://yookassa.ru/developers/api#payment_object, #refund_object and #get_refunds_list; saved methods:
https://yookassa.ru/developers/payment-acceptance/scenario-extensions/recurring-payments/basics
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from yookassa import Configuration
from yookassa.client import ApiClient
from yookassa.domain.exceptions import (
    ApiError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)

from billing.errors import NoShop, PaymentProviderAway
from infra.bounded_http import BoundedAdapter

CONNECT_TIMEOUT_S, TOTAL_TIMEOUT_S = 3.0, 10.0
MOST_ANSWER_BYTES = 4 * 1024 * 1024
REFUNDS_AT_ONCE, MOST_PAGES = 100, 100
MOST_TITLE_CHARS, MOST_REASON_CHARS = 100, 64


@dataclass(frozen=True, slots=True)
class ProviderMethod:
    """What a payment is paid with; where it `is_saved`, its id pays later ones too."""

    id: str
    title: str
    is_saved: bool


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment as the provider has it; `shop_id` and `key` are empty where the provider names none.

    `key` is the idempotence key that it was created with.
    """

    id: str
    status: str
    is_paid: bool
    amount: Decimal
    currency: str
    shop_id: str
    key: str
    confirmation_url: str
    method: ProviderMethod | None
    cancellation_reason: str


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """What the shop has given back of a payment, as the provider has it."""

    id: str
    payment_id: str
    status: str
    amount: Decimal
    currency: str


class UnknownPayment(PaymentProviderAway):
    """The provider has no such payment."""


class PaymentRefused(PaymentProviderAway):
    """The provider makes no such payment; `parameter` is what it names as wrong, if it does."""

    def __init__(self, text: str, *, parameter: str = "") -> None:
        super().__init__(text)
        self.parameter = parameter


class _Client(ApiClient):  # type: ignore[misc]  # the library has no types
    """The library's client within a total time, and without redirects and .netrc."""

    def get_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        adapter = BoundedAdapter(
            connect_timeout_s=CONNECT_TIMEOUT_S,
            total_s=TOTAL_TIMEOUT_S,
            bytes_max=MOST_ANSWER_BYTES,
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)
        return session


def is_configured() -> bool:
    """Say whether there is a shop, and the secret that goes with it."""
    return bool(settings.YOOKASSA_SHOP_ID and settings.YOOKASSA_SECRET_KEY)


def shop_id() -> str:
    """Return the shop that payments must be of."""
    return str(settings.YOOKASSA_SHOP_ID)


def create(
    amount: Decimal,
    *,
    return_url: str,
    description: str,
    idempotence_key: UUID,
    email: str,
    saves_method: bool = False,
) -> ProviderPayment:
    """Create a payment that people confirm at its `confirmation_url`; once for each key.

    `amount` is in roubles, with two decimal places; `email` is the payer's, for the receipt. With
    `saves_method` what they pay with can be charged later. Raises NoShop, PaymentRefused,
    PaymentProviderAway.
    """
    how: dict[str, Any] = {"confirmation": {"type": "redirect", "return_url": return_url}}
    if saves_method:
        how["save_payment_method"] = True
    return _create(amount, how, description, idempotence_key, email)


def charge(
    amount: Decimal, *, method_id: str, description: str, idempotence_key: UUID, email: str
) -> ProviderPayment:
    """Charge a saved method, which nobody confirms; once for each key.

    Raises NoShop, PaymentRefused, UnknownPayment, PaymentProviderAway.
    """
    how = {"payment_method_id": method_id}
    return _create(amount, how, description, idempotence_key, email)


def _create(
    amount: Decimal, how: Mapping[str, Any], description: str, idempotence_key: UUID, email: str
) -> ProviderPayment:
    body = {
        "amount": {"value": str(amount), "currency": "RUB"},
        "capture": True,
        **how,
        "description": description,
        "metadata": {"payment": str(idempotence_key)},
    }
    if settings.YOOKASSA_VAT_CODE:
        body["receipt"] = _receipt(amount, description=description, email=email)
    headers = {"Idempotence-Key": str(idempotence_key)}
    return _payment(_ask("POST", "/payments", headers=headers, body=body))


def _receipt(amount: Decimal, *, description: str, email: str) -> dict[str, Any]:
    """Return the receipt of 54-FZ: one item, to the payer's e-mail.

    Source: https://yookassa.ru/developers/payment-acceptance/receipts/54fz/yoomoney/parameters-values
    """
    receipt: dict[str, Any] = {
        "customer": {"email": email},
        "items": [
            {
                "description": description,
                "quantity": "1.00",
                "amount": {"value": str(amount), "currency": "RUB"},
                "vat_code": settings.YOOKASSA_VAT_CODE,
                "payment_subject": settings.YOOKASSA_PAYMENT_SUBJECT,
                "payment_mode": settings.YOOKASSA_PAYMENT_MODE,
            }
        ],
    }
    if settings.YOOKASSA_TAX_SYSTEM_CODE:
        receipt["tax_system_code"] = settings.YOOKASSA_TAX_SYSTEM_CODE
    return receipt


def check_access() -> None:
    """Ask the shop for its newest payment, which costs nothing. Raises NoShop, PaymentProviderAway."""
    _ask("GET", "/payments", query={"limit": 1})


def fetch(provider_id: str) -> ProviderPayment:
    """Return a payment as it stands. Raises NoShop, PaymentProviderAway, UnknownPayment."""
    found = _payment(_ask("GET", f"/payments/{provider_id}"))
    if found.id != provider_id:
        raise PaymentProviderAway(f"The provider answers with {found.id}, not {provider_id}.")
    return found


def create_refund(
    payment_id: str, amount: Decimal, *, description: str, idempotence_key: UUID, email: str
) -> ProviderRefund:
    """Give back a part of a payment; once for each key. `amount` is in roubles, to the kopeck.

    Source: https://yookassa.ru/developers/api#create_refund. Raises NoShop, PaymentProviderAway.
    """
    value = amount.quantize(Decimal("0.01"))
    body: dict[str, Any] = {
        "payment_id": payment_id,
        "amount": {"value": str(value), "currency": "RUB"},
        "description": description,
    }
    if settings.YOOKASSA_VAT_CODE:
        body["receipt"] = _receipt(value, description=description, email=email)
    headers = {"Idempotence-Key": str(idempotence_key)}
    return _refund(_ask("POST", "/refunds", headers=headers, body=body))


def fetch_refund(refund_id: str) -> ProviderRefund:
    """Return a refund as it stands. Raises NoShop, PaymentProviderAway, UnknownPayment."""
    found = _refund(_ask("GET", f"/refunds/{refund_id}"))
    if found.id != refund_id:
        raise PaymentProviderAway(f"The provider answers with {found.id}, not {refund_id}.")
    return found


def refunds_since(moment: datetime) -> Iterator[ProviderRefund]:
    """Yield the shop's refunds from a moment on. Raises NoShop, PaymentProviderAway."""
    query = {
        "created_at.gte": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "limit": REFUNDS_AT_ONCE,
    }
    for _ in range(MOST_PAGES):
        page = _ask("GET", "/refunds", query=query)
        items, cursor = (page.get("items"), page.get("next_cursor")) if page else (None, None)
        if not isinstance(items, list):
            raise PaymentProviderAway("The payment provider answers with no list of refunds.")
        yield from map(_refund, items)
        if not cursor:
            return
        query = {**query, "cursor": cursor}


def _ask(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    body: Any = None,
) -> dict[str, Any]:
    if not is_configured():
        raise NoShop("No shop is configured.")
    Configuration.configure(
        settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY, api_url=settings.YOOKASSA_BASE_URL
    )
    try:
        document = _Client().request(method, path, query, headers, body)
    except NotFoundError as error:
        raise UnknownPayment("The provider has no such payment.") from error
    except (BadRequestError, ForbiddenError) as error:
        content = error.content or {}
        parameter = str(content.get("parameter") or "")
        raise PaymentRefused(
            f"The payment provider refuses: {content.get('description')} {parameter}".strip(),
            parameter=parameter,
        ) from error
    except UnauthorizedError as error:
        raise PaymentProviderAway(
            "The payment provider refuses the shop's id or secret."
        ) from error
    # The library looks for a status in failures that have none, such as a refused connection: that is
    # an AttributeError, and its context is what has failed. JSON that is nested too deeply is a RecursionError.
    except (
        *(ApiError, requests.RequestException),
        *(ValueError, AttributeError, TypeError, RecursionError),
    ) as error:
        cause = error.__context__ if isinstance(error, AttributeError) else None
        text = "The payment provider does not answer as it should."
        raise PaymentProviderAway(text) from cause or error
    if not isinstance(document, dict):
        raise PaymentProviderAway("The payment provider answers with no object.")
    return document


def _payment(document: dict[str, Any]) -> ProviderPayment:
    """Read the payment object; the library's own reader takes amounts through floats."""
    try:
        amount, currency = _amount(document)
        confirmation = document.get("confirmation") or {}
        recipient = document.get("recipient") or {}
        metadata = document.get("metadata") or {}
        cancellation = document.get("cancellation_details") or {}
        return ProviderPayment(
            id=str(document["id"]),
            status=str(document["status"]),
            is_paid=document.get("paid") is True,
            amount=amount,
            currency=currency,
            shop_id=str(recipient.get("account_id", "")),
            key=str(metadata.get("payment", "")),
            confirmation_url=str(confirmation.get("confirmation_url", "")),
            method=_method(document.get("payment_method")),
            cancellation_reason=str(cancellation.get("reason", ""))[:MOST_REASON_CHARS],
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise PaymentProviderAway("The payment provider answers with no payment.") from error


def _method(document: Any) -> ProviderMethod | None:
    """Read the payment method. The title of a card is English words; its system and number say as much."""
    if not document:
        return None
    card = document.get("card")
    title = document.get("title") or document["type"]
    if card and card.get("last4"):
        title = f"{card.get('card_type', '')} *{card['last4']}".strip()
    return ProviderMethod(
        id=str(document["id"]),
        title=str(title)[:MOST_TITLE_CHARS],
        is_saved=document.get("saved") is True,
    )


def _refund(document: Any) -> ProviderRefund:
    """Read the refund object."""
    try:
        amount, currency = _amount(document)
        return ProviderRefund(
            id=str(document["id"]),
            payment_id=str(document["payment_id"]),
            status=str(document["status"]),
            amount=amount,
            currency=currency,
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise PaymentProviderAway("The payment provider answers with no refund.") from error


def _amount(document: dict[str, Any]) -> tuple[Decimal, str]:
    amount = document["amount"]
    return Decimal(amount["value"]), str(amount["currency"])
