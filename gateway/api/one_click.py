"""POST /v1/auth/keys: the code of the one-click form for an API key. It needs no credential."""

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.errors import CredentialStoreUnavailable
from accounts.oauth import one_click, pkce
from gateway.api import fields
from gateway.api.body import read_object
from gateway.api.unknown_fields import ignored_header, ignored_of
from gateway.api.view import JSONResponse, View
from gateway.pipeline.errors import InvalidParameter

FIELDS = ("code", "code_verifier", "code_challenge_method")
CODE_MAX_CHARS = 128
VERIFIER_MAX_CHARS = 128


class AuthKeysView(View):
    """Answers `{"key", "user_id"}`; the key is an ordinary one of the person who agreed."""

    def post(self, request: Request) -> HttpResponse:
        body = read_object(request._request)
        ignored = ignored_of(request, body, FIELDS)
        fields.choice(body, "code_challenge_method", (pkce.METHOD,))
        code = fields.text(body, "code", longest=CODE_MAX_CHARS)
        verifier = fields.text(body, "code_verifier", longest=VERIFIER_MAX_CHARS)
        for name, value in (("code", code), ("code_verifier", verifier)):
            if not value:
                raise InvalidParameter(f"The body needs {name}.", param=name)
        try:
            key, raw = one_click.redeem(code=code or "", verifier=verifier or "")
        except one_click.CodeRefused as error:
            raise InvalidParameter(str(error), param="code") from None
        except (OperationalError, InterfaceError) as error:
            raise CredentialStoreUnavailable from error
        response = JSONResponse({"key": raw, "user_id": str(key.user_id)})
        return ignored_header(response, ignored)
