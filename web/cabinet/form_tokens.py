"""Tokens of forms that may be sent only once, despite reloads and double clicks."""

import hashlib
import logging
import secrets
from typing import Literal

import redis
from django.core.cache import cache
from django.core.signing import BadSignature, TimestampSigner

LIFE_S = 12 * 3600

logger = logging.getLogger(__name__)


def new_token(form: str, user_id: int) -> str:
    """Return a token for a person's form; nothing is stored until it is used."""
    return _signer(form).sign(f"{user_id}:{secrets.token_urlsafe(16)}")


def use(token: str, form: str, user_id: int) -> Literal["fresh", "used", "expired"]:
    """Use a token up. One that is invalid, another person's or too old counts as expired."""
    try:
        owner, _, _ = _signer(form).unsign(token, max_age=LIFE_S).partition(":")
    except BadSignature:
        return "expired"
    if owner != str(user_id):
        return "expired"
    name = hashlib.sha256(token.encode()).hexdigest()
    try:
        return "fresh" if cache.add(f"form-token:{name}", 1, timeout=LIFE_S) else "used"
    except (redis.RedisError, OSError) as error:
        logger.warning("A form's token cannot be noted while the cache is away: %s", error)
        return "fresh"


def _signer(form: str) -> TimestampSigner:
    return TimestampSigner(salt=f"web.cabinet.form_tokens.{form}")
