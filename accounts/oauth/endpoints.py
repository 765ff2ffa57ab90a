"""The OAuth endpoints: token, revoke, introspect. Every answer is JSON as in RFC 6749."""

import functools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import AccessToken
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749 import errors

from accounts.keys.key_format import digest_of
from accounts.oauth.cross_origin import allow_any_origin, preflight
from accounts.oauth.parameters import BadParameters, read_form
from accounts.oauth.server import GRANT_TYPE, TOKEN_FIELDS, code_server, encoded

STORE_RETRY_AFTER_S = 5

# Where the library says nothing: what may be the matter, and never which of it is.
_DESCRIPTIONS = {
    "invalid_client": "The client is unknown, or its secret is wrong.",
    "invalid_grant": "The code is unknown, used, expired, or not for this client, redirect_uri and"
    " code_verifier.",
    "invalid_scope": "The code was not given for this scope.",
}

Fields = dict[str, str]
Answer = Callable[[HttpRequest, Fields], HttpResponse]


def endpoint(*, is_for_browsers: bool) -> Callable[[Answer], Callable[[HttpRequest], HttpResponse]]:
    """Make a view of a function of form fields; `is_for_browsers` allows scripts of any origin."""

    def decorate(answer: Answer) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @functools.wraps(answer)
        def view(request: HttpRequest) -> HttpResponse:
            if is_for_browsers and request.method == "OPTIONS":
                return preflight("POST")
            response = _answered(request, answer)
            response.headers["Cache-Control"] = "no-store"
            return allow_any_origin(response) if is_for_browsers else response

        return view

    return decorate


@endpoint(is_for_browsers=True)
def token(request: HttpRequest, fields: Fields) -> HttpResponse:
    """POST /oauth/token: a code for an access token."""
    grant_type = fields.get("grant_type")
    if grant_type is None:
        return failure(400, "invalid_request", "Missing grant_type parameter.")
    if grant_type != GRANT_TYPE:
        return failure(400, "unsupported_grant_type", f"The only grant_type is {GRANT_TYPE}.")
    with transaction.atomic():
        _headers, body, status = code_server().create_token_response(*_described(request, fields))
    return _relayed(body, status)


@endpoint(is_for_browsers=True)
def revoke(request: HttpRequest, fields: Fields) -> HttpResponse:
    """POST /oauth/revoke, as in RFC 7009: 200 for unknown and ended tokens too."""
    _headers, body, status = code_server().create_revocation_response(*_described(request, fields))
    return _relayed(body or "{}", status)


@endpoint(is_for_browsers=False)
def introspect(request: HttpRequest, fields: Fields) -> HttpResponse:
    """POST /oauth/introspect, as in RFC 7662, for authenticated clients."""
    asked = OAuthRequest(*_described(request, fields))
    try:
        if not code_server().request_validator.authenticate_client(asked):
            raise errors.InvalidClientError
    except errors.OAuth2Error as error:
        return failure(error.status_code, error.error, error.description)
    if "token" not in fields:
        return failure(400, "invalid_request", "Missing token parameter.")
    found = (
        AccessToken.objects.select_related("application", "user")
        .filter(token_checksum=digest_of(fields["token"]))
        .first()
    )
    if found is None or found.is_expired() or not found.user.is_active:
        return JsonResponse({"active": False})
    return JsonResponse(
        {
            "active": True,
            "scope": found.scope,
            "client_id": found.application.client_id,
            "token_type": "Bearer",
            "exp": int(found.expires.timestamp()),
            "iat": int(found.created.timestamp()),
            "sub": str(found.user_id),
            "iss": settings.PUBLIC_URL,
        }
    )


def failure(status: int, error: str, description: str) -> HttpResponse:
    """Return `{"error", "error_description"}`."""
    document = {"error": error, "error_description": description or _DESCRIPTIONS.get(error, error)}
    response = JsonResponse(document, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="XRouter"'
    return response


def _answered(request: HttpRequest, answer: Answer) -> HttpResponse:
    if request.method != "POST":
        response = failure(405, "invalid_request", "Send a POST.")
        response.headers["Allow"] = "POST"
        return response
    try:
        return answer(request, read_form(request))
    except BadParameters as error:
        return failure(error.status, "invalid_request", str(error))
    except (OperationalError, InterfaceError):
        response = failure(503, "temporarily_unavailable", "Repeat the request in a few seconds.")
        response.headers["Retry-After"] = str(STORE_RETRY_AFTER_S)
        return response


def _described(request: HttpRequest, fields: Fields) -> tuple[str, str, str, dict[str, str]]:
    """Return path, method, body and headers, as oauthlib takes them."""
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    body = encoded(fields, TOKEN_FIELDS)
    return request.path, "POST", body, {"Authorization": authorization}


def _relayed(body: str, status: int) -> HttpResponse:
    document: dict[str, Any] = json.loads(body)
    if status == 200:
        return JsonResponse(document)
    return failure(status, document["error"], document.get("error_description", ""))
