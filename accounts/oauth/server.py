"""The authorization server: codes with PKCE, bearer tokens, revocation, and nothing else."""

import functools
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749 import errors

from accounts.keys.key_format import make_secret
from accounts.oauth import pkce, redirect_uris

CODE_PREFIX = "xr-code-"
RESPONSE_TYPE = "code"
GRANT_TYPE = "authorization_code"
AUTHORIZE_FIELDS = (
    *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)
TOKEN_FIELDS = (
    *("grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"),
    *("scope", "token", "token_type_hint"),
)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # the library has no types
    """The authorization code grant of RFC 6749, with what RFC 9700 leaves of it."""

    refresh_token = False

    def __init__(self, request_validator: Any) -> None:
        super().__init__(request_validator, pre_auth=[_check_form])

    def create_authorization_code(self, request: Any) -> dict[str, str]:
        """Create a code with a prefix by which logs can redact it."""
        code = {"code": make_secret(CODE_PREFIX)}
        return code | {"state": request.state} if request.state else code

    def prepare_authorization_response(
        self, request: Any, token: dict[str, str], headers: Any, body: Any, status: int
    ) -> tuple[Any, Any, int]:
        """Name the issuer beside the code, as RFC 9207 says, and leave the address as it is."""
        answer = token | {"iss": settings.PUBLIC_URL}
        headers["Location"] = redirect_uris.with_parameters(request.redirect_uri, answer)
        return headers, body, status

    def validate_code_challenge(self, challenge: str, challenge_method: str, verifier: str) -> bool:
        return challenge_method == pkce.METHOD and pkce.proves(verifier, challenge)


class CodeServer(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):  # type: ignore[misc]
    """The toolkit's OAUTH2_SERVER_CLASS."""

    def __init__(
        self,
        request_validator: Any,
        token_expires_in: int | None = None,
        token_generator: Any = None,
        **others: Any,
    ) -> None:
        grant = CodeGrant(request_validator)
        bearer = BearerToken(request_validator, token_generator, token_expires_in)
        AuthorizationEndpoint.__init__(
            self,
            default_response_type=RESPONSE_TYPE,
            default_token_type=bearer,
            response_types={RESPONSE_TYPE: grant},
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type=GRANT_TYPE,
            default_token_type=bearer,
            grant_types={GRANT_TYPE: grant},
        )
        RevocationEndpoint.__init__(self, request_validator)


@functools.cache
def code_server() -> Any:
    """Return the server, as the toolkit's settings make it."""
    validator = oauth2_settings.OAUTH2_VALIDATOR_CLASS()
    return oauth2_settings.OAUTH2_SERVER_CLASS(validator, **oauth2_settings.server_kwargs)


def encoded(fields: dict[str, str], known: Iterable[str]) -> str:
    """Return the known fields in the form that oauthlib reads.

    It would take any other, such as `user` or `client`, for its own findings.
    """
    return urlencode({name: fields[name] for name in known if name in fields})


def _check_form(request: Any) -> dict[str, Any]:
    """Refuse what oauthlib would accept; client and redirect URI are valid already."""
    if request.response_type not in {None, RESPONSE_TYPE}:
        raise errors.UnsupportedResponseTypeError(request=request)
    if request.response_mode not in {None, "query"}:
        raise errors.InvalidRequestError("The only response_mode is query.", request=request)
    if request.code_challenge is None:
        raise errors.MissingCodeChallengeError(request=request)
    if request.code_challenge_method != pkce.METHOD:
        raise errors.UnsupportedCodeChallengeMethodError(request=request)
    if not pkce.is_challenge(request.code_challenge):
        raise errors.InvalidRequestError(
            "code_challenge must be a SHA-256 in base64url.", request=request
        )
    return {}
