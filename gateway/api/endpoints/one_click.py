"""POST /v1/auth/keys: exchange the code of the one-click form for an API key. No credential is needed."""

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.errors import CredentialStoreUnavailable, TooManyKeys
from accounts.oauth import one_click
from gateway.api.body import MOST_BYTES_OF_STRANGERS, read_object
from gateway.api.errors import BadRequest
from gateway.api.json_response import JSONResponse
from gateway.api.schema.keys import OneClickCodeBody
from gateway.api.schema.parsing import parse
from gateway.api.schema.unknown_fields import ignored_header, ignored_of
from gateway.api.view import View
from gateway.pipeline.errors import InvalidParameter


class AuthKeysView(View):
    """Answers `{"key", "user_id"}`: an ordinary key of the user who agreed."""

    def post(self, request: Request) -> HttpResponse:
        document = read_object(request._request, most_bytes=MOST_BYTES_OF_STRANGERS)
        body = parse(OneClickCodeBody, document)
        ignored = ignored_of(request, body)
        try:
            key, raw = one_click.redeem(code=body.code, verifier=body.code_verifier)
        except one_click.CodeRefused as error:
            raise InvalidParameter(str(error), param="code") from None
        except TooManyKeys as error:
            raise BadRequest(str(error)) from None
        except (OperationalError, InterfaceError) as error:
            raise CredentialStoreUnavailable from error
        response = JSONResponse({"key": raw, "user_id": str(key.user_id)})
        return ignored_header(response, ignored)
