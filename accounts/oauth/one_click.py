"""OpenRouter's one-click form: an unregistered site gets a code, and redeems it for an API key."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import users
from accounts.audit.acting import acting
from accounts.keys import issuing
from accounts.keys.key_format import digest_of, make_secret
from accounts.keys.key_settings import NAME_MAX_CHARS
from accounts.models import APIKey, OneClickCode, User
from accounts.oauth import pkce, redirect_uris
from accounts.oauth.server import CODE_PREFIX

CODE_LIFE_S = 60


class CodeRefused(Exception):
    """The code is not valid; one message for every reason, so that none is revealed."""

    def __init__(self) -> None:
        super().__init__(
            "The code is unknown, used or expired, or code_verifier does not belong to it. Send the"
            " person to /auth again."
        )


def new_code(*, user: User, callback_url: str, code_challenge: str) -> str:
    """Return a code for one API key; it is valid for CODE_LIFE_S, and only its digest is stored."""
    now = timezone.now()
    OneClickCode.objects.filter(user=user, api_key=None, expires_at__lt=now).delete()
    code = make_secret(CODE_PREFIX)
    OneClickCode.objects.create(
        user=user,
        digest=digest_of(code),
        callback_host=redirect_uris.host_of(callback_url),
        code_challenge=code_challenge,
        expires_at=now + timedelta(seconds=CODE_LIFE_S),
    )
    return code


def redeem(*, code: str, verifier: str) -> tuple[APIKey, str]:
    """Return a new key and its raw text; a second use of a code revokes its key.

    Raises CodeRefused and TooManyKeys, which leaves the code valid.
    """
    with transaction.atomic():
        redeemed = _redeemed(code, verifier)
    if redeemed is None:
        raise CodeRefused
    return redeemed


def _redeemed(code: str, verifier: str) -> tuple[APIKey, str] | None:
    row = OneClickCode.objects.select_for_update().filter(digest=digest_of(code)).first()
    if row is None:
        return None
    if row.api_key is not None:
        with acting(row.user_id):
            issuing.revoke(key=row.api_key)
        return None
    is_open = row.expires_at > timezone.now() and row.user.is_active
    if not is_open or not pkce.proves(verifier, row.code_challenge):
        return None
    with acting(row.user_id):
        key, raw = issuing.issue(
            account=users.own_account(row.user),
            user=row.user,
            name=row.callback_host[:NAME_MAX_CHARS],
            made_by=row.callback_host,
        )
    row.api_key = key
    row.save(update_fields=["api_key"])
    return key, raw
