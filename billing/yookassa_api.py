"""YooKassa's payments through its own client: what is asked of them, and what they answer, as values.

https://yookassa.ru/developers/api#payment_object
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from yookassa import Configuration
from yookassa.client import ApiClient
from yookassa.domain.exceptions import ApiError, NotFoundError

from billing.errors import NoShop, PaymentProviderAway

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment as the provider has it; `shop_id` is empty where the provider names none."""

    id: str
    status: str
    is_paid: bool
    amount: Decimal
    currency: str
    shop_id: str
    confirmation_url: str


class UnknownPayment(PaymentProviderAway):
    """The provider has no such payment."""


class _TimedAdapter(HTTPAdapter):
    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = CONNECT_TIMEOUT_S, READ_TIMEOUT_S
        return super().send(*args, **kwargs)


class _Client(ApiClient):  # type: ignore[misc]  # the library has no types
    """The library's client, less its endless waits, its redirects, and its use of .netrc."""

    def get_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        for scheme in ("https://", "http://"):
            session.mount(scheme, _TimedAdapter())
        return session


def is_configured() -> bool:
    """Say whether there is a shop, and the secret that goes with it."""
    return bool(settings.YOOKASSA_SHOP_ID and settings.YOOKASSA_SECRET_KEY)


def shop_id() -> str:
    """Return the shop that payments must be of."""
    return str(settings.YOOKASSA_SHOP_ID)


def create(
    amount: Decimal, *, return_url: str, description: str, idempotence_key: UUID
) -> ProviderPayment:
    """Create a payment that people confirm at its `confirmation_url`; once for each key.

    `amount` is in roubles, with two decimal places. Raises NoShop, PaymentProviderAway.
    """
    body = {
        "amount": {"value": str(amount), "currency": "RUB"},
        "capture": True,
        "confirmation": {"type": "redirect", "return_url": return_url},
        "description": description,
        "metadata": {"payment": str(idempotence_key)},
    }
    return _ask("POST", "/payments", {"Idempotence-Key": str(idempotence_key)}, body)


def fetch(provider_id: str) -> ProviderPayment:
    """Return a payment as it stands. Raises NoShop, PaymentProviderAway, UnknownPayment."""
    found = _ask("GET", f"/payments/{provider_id}")
    if found.id != provider_id:
        raise PaymentProviderAway(f"The provider answers with {found.id}, not {provider_id}.")
    return found


def _ask(
    method: str, path: str, headers: dict[str, str] | None = None, body: Any = None
) -> ProviderPayment:
    if not is_configured():
        raise NoShop("No shop is configured.")
    Configuration.configure(
        settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY, api_url=settings.YOOKASSA_BASE_URL
    )
    try:
        return _read(_Client().request(method, path, None, headers, body))
    except NotFoundError as error:
        raise UnknownPayment("The provider has no such payment.") from error
    # The library looks for a status in failures that have none, such as a refused connection: that is
    # an AttributeError.
    except (ApiError, requests.RequestException, ValueError, AttributeError, TypeError) as error:
        raise PaymentProviderAway("The payment provider does not answer as it should.") from error


def _read(document: Any) -> ProviderPayment:
    """Read the payment object; the library's own reader takes amounts through floats."""
    try:
        amount, currency = Decimal(document["amount"]["value"]), document["amount"]["currency"]
        confirmation = document.get("confirmation") or {}
        recipient = document.get("recipient") or {}
        return ProviderPayment(
            id=str(document["id"]),
            status=str(document["status"]),
            is_paid=document.get("paid") is True,
            amount=amount,
            currency=str(currency),
            shop_id=str(recipient.get("account_id", "")),
            confirmation_url=str(confirmation.get("confirmation_url", "")),
        )
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise PaymentProviderAway("The payment provider answers with no payment.") from error
