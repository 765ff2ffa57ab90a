"""OpenRouter's one-click form: a code for a site that nobody registered, and the code for an API key."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import api_keys, users
from accounts.acting import acting
from accounts.key_format import digest_of, make_secret
from accounts.key_settings import NAME_MAX_CHARS
from accounts.models import APIKey, OneClickCode, User
from accounts.oauth import pkce, redirect_uris
from accounts.oauth.server import CODE_PREFIX

CODE_LIFE_S = 60


class CodeRefused(Exception):
    """The code opens nothing; one message for every reason, so that none can be told."""

    def __init__(self) -> None:
        super().__init__(
            "The code is unknown, used or expired, or code_verifier does not belong to it. Send the"
            " person to /auth again."
        )


def new_code(*, user: User, callback_url: str, code_challenge: str) -> str:
    """Return a code for one API key of the person's; it lives CODE_LIFE_S, and is not kept."""
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
    """Return a new key and its raw text. A code that was used before ends its key. Raises CodeRefused."""
    with transaction.atomic():
        made = _redeemed(code, verifier)
    if made is None:
        raise CodeRefused
    return made


def _redeemed(code: str, verifier: str) -> tuple[APIKey, str] | None:
    row = OneClickCode.objects.select_for_update().filter(digest=digest_of(code)).first()
    if row is None:
        return None
    if row.api_key is not None:
        with acting(row.user_id):
            api_keys.revoke(key=row.api_key)
        return None
    is_open = row.expires_at > timezone.now() and row.user.is_active
    if not is_open or not pkce.proves(verifier, row.code_challenge):
        return None
    with acting(row.user_id):
        key, raw = api_keys.issue(
            account=users.own_account(row.user),
            user=row.user,
            name=row.callback_host[:NAME_MAX_CHARS],
            made_by=row.callback_host,
        )
    row.api_key = key
    row.save(update_fields=["api_key"])
    return key, raw
