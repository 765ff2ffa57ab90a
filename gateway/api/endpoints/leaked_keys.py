"""POST /v1/keys/leaked: whoever finds keys in the open reports them; what is real is frozen."""

from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.client_address import address_of
from accounts.errors import CredentialStoreUnavailable
from accounts.networks import sender_of
from accounts.security import leaks
from billing.limits import request_limits
from gateway.api.body import MOST_BYTES_OF_STRANGERS, read_object
from gateway.api.json_response import JSONResponse
from gateway.api.schema.keys import LeakedKeysBody
from gateway.api.schema.parsing import parse
from gateway.api.schema.unknown_fields import ignored_header, ignored_of
from gateway.api.view import View

ACCEPTED = {"data": {"status": "accepted"}}


class LeakedKeysView(View):
    """Answers the same whatever the keys were, so that nobody learns which are real."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask for no credential, and judge none that is sent."""
        request._request.get_host()

    def post(self, request: Request) -> HttpResponse:
        raw = request._request
        body = parse(LeakedKeysBody, read_object(raw, most_bytes=MOST_BYTES_OF_STRANGERS))
        ignored = ignored_of(request, body)
        request_limits.admit_stranger(sender_of(address_of(raw)), "leaked")
        try:
            leaks.report(body.keys)
        except (OperationalError, InterfaceError) as error:
            raise CredentialStoreUnavailable from error
        return ignored_header(JSONResponse(ACCEPTED, status=202), ignored)
