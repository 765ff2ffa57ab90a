"""POST /webhooks/yookassa: a notice that a payment has changed. It only says of which one to ask.

https://yookassa.ru/developers/using-api/webhooks
"""

import logging
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from accounts.client_address import client_address
from billing import payments
from billing.errors import MoneyStoreUnavailable, NoShop, PaymentProviderAway
from gateway.api.body import read_object
from gateway.api.errors import BadRequest, Failure, failure_of
from gateway.api.view import JSONResponse

MAX_BYTES = 64 * 1024

_PAYMENT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)

logger = logging.getLogger(__name__)


@csrf_exempt
def yookassa_webhook(request: HttpRequest) -> HttpResponse:
    """Answer 200 once the payment is as YooKassa says, or is none of ours; else it is told again."""
    if request.method != "POST":
        response = failure_of(MethodNotAllowed(str(request.method))).response()
        response.headers["Allow"] = "POST"
        return response
    if not payments.is_configured():
        return _away("No shop is configured.").response()
    if not _is_from_yookassa(request):
        return Failure(403, "ip_not_allowed", "This address may send no notices.").response()
    try:
        payment = payments.find(_payment_id(request))
        if payment is None:
            return JSONResponse({"status": "ignored"})
        return JSONResponse({"status": payments.refresh(payment).status})
    except (BadRequest, MoneyStoreUnavailable) as error:
        return failure_of(error).response()
    except (PaymentProviderAway, NoShop) as error:
        logger.warning("A notice could not be followed: %s", error)
        return _away("The payment provider is away.").response()


def _is_from_yookassa(request: HttpRequest) -> bool:
    networks = settings.YOOKASSA_WEBHOOK_NETWORKS
    address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
    return not networks or (address is not None and any(address in network for network in networks))


def _payment_id(request: HttpRequest) -> str:
    """Return the id of the payment that a notice is about. Raises BadRequest."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isascii() and length.isdigit() and int(length) > MAX_BYTES:
        raise BadRequest("A notice is not so large.", status=413, code="request_too_large")
    thing: Any = read_object(request).get("object")
    identity = thing.get("id") if isinstance(thing, dict) else None
    if not isinstance(identity, str) or not _PAYMENT_ID.fullmatch(identity):
        raise BadRequest("A notice names its payment.", code="invalid_parameter", param="object.id")
    return identity


def _away(message: str) -> Failure:
    return Failure(503, "service_unavailable", message, headers={"Retry-After": "60"})
