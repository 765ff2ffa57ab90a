"""The toolkit's validator with our rules: codes are stored as SHA-256, used once, and end on reuse."""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749 import errors

from accounts import users
from accounts.keys.key_format import digest_of
from accounts.models import IssuedToken
from accounts.oauth import applications, redirect_uris, revocation
from accounts.oauth.client_secrets import is_secret
from accounts.oauth.parameters import MAX_BYTES
from accounts.oauth.server import GRANT_TYPE, RESPONSE_TYPE


class Validator(OAuth2Validator):  # type: ignore[misc]  # the toolkit has no types
    """The toolkit's OAUTH2_VALIDATOR_CLASS. A token request must run in one transaction."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Require authentication, except from a public application that sends no secret.

        An empty secret is as good as none, in the header too, where some libraries name any client.
        Source: RFC 6749, section 2.3.1.
        """
        if header := _authorization(request):
            client_id, secret = _basic(header)
            if secret or not client_id or request.client_id not in {None, client_id}:
                return True
            request.client_id = client_id
        if request.client_secret:
            return True
        client = self._load_application(request.client_id, request)
        return client is None or client.client_type != Application.CLIENT_PUBLIC

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Take the secret from the header, or else from the body; never from both."""
        header = _authorization(request)
        if header:
            if request.client_secret:
                raise errors.InvalidRequestError(
                    "Send the client's secret once: in the header or in the body.", request=request
                )
            client_id, secret = _basic(header)
            if request.client_id not in {None, client_id}:
                return False
        else:
            client_id, secret = request.client_id or "", request.client_secret or ""
        client = self._load_application(client_id, request)
        return (
            client is not None
            and client.client_type == Application.CLIENT_CONFIDENTIAL
            and is_secret(secret, client.client_secret)
        )

    def authenticate_client_id(
        self, client_id: str | None, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        client = self._load_application(client_id, request)
        return client is not None and client.client_type == Application.CLIENT_PUBLIC

    def validate_response_type(
        self, client_id: str, response_type: str, *args: Any, **kwargs: Any
    ) -> bool:
        return response_type == RESPONSE_TYPE

    def validate_grant_type(
        self, client_id: str, grant_type: str, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type == GRANT_TYPE

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        registered = request.client.redirect_uris.split()
        return any(redirect_uris.matches(uri, redirect_uri) for uri in registered)

    def validate_code(
        self,
        client_id: str,
        code: str,
        client: Application,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Lock the code's row until the transaction ends. A code that was used ends its token."""
        digest = digest_of(code)
        grant = Grant.objects.select_for_update().filter(code=digest).first()
        if grant is None:
            revocation.end_tokens(issued__code_digest=digest)
            return False
        if grant.application_id != client.pk or grant.is_expired() or not grant.user.is_active:
            return False
        request.grant = grant
        request.user = grant.user
        request.scopes = _narrowed(grant.scope.split(), request)
        return True

    def get_code_challenge(self, code: str, request: Any) -> str:
        challenge: str = request.grant.code_challenge
        return challenge

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        method: str = request.grant.code_challenge_method
        return method

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: Application,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        if request.grant.redirect_uri != redirect_uri:
            raise errors.InvalidGrantError(request=request)
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        request.grant.delete()

    def revoke_token(
        self, token: str, token_type_hint: str | None, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """End a token of the requesting client; any other counts as unknown."""
        with transaction.atomic():
            revocation.end_tokens(token_checksum=digest_of(token), application=request.client)

    def _load_application(self, client_id: str | None, request: Any) -> Application | None:
        """Load the application; a disabled one counts as unknown."""
        client: Application | None = super()._load_application(client_id, request)
        if client is None or not applications.is_disabled(client):
            return client
        request.client = None
        return None

    def _create_authorization_code(
        self, request: Any, code: dict[str, str], expires: datetime | None = None
    ) -> Grant:
        now = timezone.now()
        Grant.objects.filter(user=request.user, expires__lt=now).delete()
        life = timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS)
        return Grant.objects.create(
            application=request.client,
            user=request.user,
            code=digest_of(code["code"]),
            expires=now + life,
            redirect_uri=request.redirect_uri,
            scope=" ".join(request.scopes),
            code_challenge=request.code_challenge,
            code_challenge_method=request.code_challenge_method,
        )

    def _check_and_set_request_resource(self, request: Any) -> None:
        """Bind tokens to no resource: the whole API is the only one."""
        request.resource = []

    def _create_access_token(
        self,
        expires: datetime,
        request: Any,
        token: dict[str, Any],
        source_refresh_token: Any = None,
    ) -> AccessToken:
        access_token = super()._create_access_token(expires, request, token)
        IssuedToken.objects.create(
            token=access_token,
            account=users.own_account(request.user),
            code_digest=digest_of(request.code),
        )
        return access_token


def _authorization(request: Any) -> str:
    header: str = request.headers.get("Authorization") or ""
    return header


def _basic(header: str) -> tuple[str, str]:
    """Return the client's id and secret from the header, empty texts where it has none.

    Source: RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip().encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return "", ""
    client_id, _, secret = decoded.partition(":")
    if scheme.lower() != "basic" or "\0" in unquote_plus(decoded) or len(decoded) > MAX_BYTES:
        return "", ""
    try:
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except UnicodeError:
        return "", ""


def _narrowed(granted: list[str], request: Any) -> list[str]:
    """Return the scopes that are asked for, all of them granted. Raises InvalidScopeError."""
    wanted = request.scopes or granted
    if not set(wanted) <= set(granted):
        raise errors.InvalidScopeError(request=request)
    return [scope for scope in granted if scope in wanted]
