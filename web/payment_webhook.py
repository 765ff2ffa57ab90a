"""POST /webhooks/yookassa: a notice that a payment has changed, or was refunded; only ids are used.

https://yookassa.ru/developers/using-api/webhooks
"""

import logging
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from accounts.client_address import client_address
from billing.errors import MoneyStoreUnavailable, NoShop, PaymentProviderAway
from billing.payments import refunds, top_ups
from gateway.api.body import read_object
from gateway.api.errors import BadRequest, Failure, failure_of
from gateway.api.json_response import JSONResponse
from gateway.api.view import failure_response

MAX_BYTES = 64 * 1024

_PAYMENT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)

logger = logging.getLogger(__name__)


@csrf_exempt
def yookassa_webhook(request: HttpRequest) -> HttpResponse:
    """Answer 200 once the payment is refreshed or is not ours; otherwise YooKassa repeats the notice."""
    if request.method != "POST":
        response = failure_response(failure_of(MethodNotAllowed(str(request.method))))
        response.headers["Allow"] = "POST"
        return response
    if not top_ups.is_configured():
        return _away("No shop is configured.")
    if not _is_from_yookassa(request):
        return failure_response(Failure(403, "ip_not_allowed", "This address may send no notices."))
    try:
        notice = _notice(request)
        payment = top_ups.find(notice.payment_id)
        if payment is None:
            return JSONResponse({"status": "ignored"})
        if notice.refund_id is None:
            return JSONResponse({"status": top_ups.refresh(payment).status})
        refund = refunds.follow(payment, notice.refund_id)
        return JSONResponse({"status": "ignored" if refund is None else "succeeded"})
    except (BadRequest, MoneyStoreUnavailable) as error:
        return failure_response(failure_of(error))
    except (PaymentProviderAway, NoShop) as error:
        logger.warning("A notice could not be followed: %s", error)
        return _away("The payment provider is away.")


def _is_from_yookassa(request: HttpRequest) -> bool:
    networks = settings.YOOKASSA_WEBHOOK_NETWORKS
    address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
    return not networks or (address is not None and any(address in network for network in networks))


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice is about: a payment, or a refund of it."""

    payment_id: str
    refund_id: str | None


def _notice(request: HttpRequest) -> Notice:
    """Read the notice. Raises BadRequest."""
    notice = read_object(request, most_bytes=MAX_BYTES)
    if not str(notice.get("event")).startswith("refund."):
        return Notice(_id_in(notice, "id"), None)
    return Notice(_id_in(notice, "payment_id"), _id_in(notice, "id"))


def _id_in(notice: dict[str, Any], name: str) -> str:
    """Return an id of the notice's object. Raises BadRequest."""
    thing = notice.get("object")
    identity = thing.get(name) if isinstance(thing, dict) else None
    if not isinstance(identity, str) or not _PAYMENT_ID.fullmatch(identity):
        raise BadRequest(
            "A notice names its payment.", code="invalid_parameter", param=f"object.{name}"
        )
    return identity


def _away(message: str) -> HttpResponse:
    headers = {"Retry-After": "60"}
    return failure_response(Failure(503, "service_unavailable", message, headers=headers))
