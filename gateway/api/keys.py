"""/v1/keys: an application that was let do it manages the API keys of its user's account."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, cast

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework.request import Request

from accounts import api_keys
from accounts.acting import acting, address_of
from accounts.errors import CredentialStoreUnavailable, InvalidKeySetting, KeyRevoked
from accounts.key_settings import (
    LIST_MAX_ITEMS,
    MODEL_MAX_CHARS,
    NAME_MAX_CHARS,
    RATE_MAX,
    KeySettings,
)
from accounts.models import Account, APIKey, User
from accounts.oauth import tokens
from accounts.principal import KeyRate, LimitReset
from billing import key_budgets
from billing.key_budgets import KeyStanding
from billing.pricing import nano_of
from gateway.api import fields
from gateway.api.body import JSONObject, read_object
from gateway.api.envelopes import credits_number
from gateway.api.errors import BadRequest
from gateway.api.unknown_fields import ignored_header, ignored_of
from gateway.api.view import JSONResponse, View
from gateway.pipeline.errors import InvalidParameter

KEYS_ON_A_PAGE = 100
KEYS_MOST = 10_000
OFFSET_MAX = 2**31 - 1
NETWORK_MAX_CHARS = 64
RESETS = ("daily", "weekly", "monthly")
INTERVALS = {"1s": 1, "1m": 60, "1d": 86_400}
SETTINGS = (
    "name",
    "limit",
    "limit_reset",
    "disabled",
    "allowed_models",
    "allowed_ips",
    "rate_limit",
)

_HASH = re.compile(r"[0-9a-f]{64}")
# No exponent, no digits of other alphabets, no more places than there are nano-credits.
_AMOUNT = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
EXACT_DIGITS = 15
"""A JSON number with more digits may have lost some on its way."""


class _KeysView(View):
    scope = "keys"

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # as in View
        if isinstance(exc, OperationalError | InterfaceError):
            exc = CredentialStoreUnavailable()
        if isinstance(exc, InvalidKeySetting):
            exc = InvalidParameter(str(exc), param=exc.field)
        if isinstance(exc, KeyRevoked):
            exc = Http404()
        return super().handle_exception(exc)

    def key(self, key_hash: str) -> APIKey:
        """Return a key of the caller's account that is not revoked. Raises Http404."""
        if _HASH.fullmatch(key_hash) is None:
            raise Http404
        mine = APIKey.objects.filter(account=self.caller.account_id, revoked_at=None)
        key = mine.filter(digest=key_hash).first()
        if key is None:
            raise Http404
        return key

    def acting(self, request: Request) -> AbstractContextManager[None]:
        """Take what is done inside for the doing of the token's person."""
        return acting(self.caller.user_id, address_of(request._request))


class KeysView(_KeysView):
    """GET: the account's keys, the newest first. POST: a new one, whose text is shown this once."""

    def get(self, request: Request) -> HttpResponse:
        asked = request.GET.dict()
        offset = fields.whole(asked, "offset", minimum=0, maximum=OFFSET_MAX) or 0
        keys = APIKey.objects.filter(account=self.caller.account_id, revoked_at=None)
        if fields.flag(asked, "include_disabled") is False:
            keys = keys.filter(disabled=False)
        page = keys.order_by("-pk")[offset : offset + KEYS_ON_A_PAGE]
        return JSONResponse({"data": cards(page)})

    def post(self, request: Request) -> HttpResponse:
        body = read_object(request._request)
        ignored = ignored_of(request, body, (*SETTINGS, "test"))
        settings = settings_of(body)
        if "name" not in settings:
            raise InvalidParameter("A key needs a name.", param="name")
        is_test = fields.flag(body, "test") or False
        caller = self.caller
        if APIKey.objects.filter(account=caller.account_id, revoked_at=None).count() >= KEYS_MOST:
            raise BadRequest(f"An account has {KEYS_MOST} keys at most. Revoke some.")
        application = tokens.application_of(caller.credential_id)
        with self.acting(request):
            key, raw = api_keys.issue(
                account=Account.objects.get(pk=caller.account_id),
                user=User.objects.get(pk=caller.user_id),
                application=application,
                made_by=application.name,
                is_test=is_test,
                **settings,
            )
        [card] = cards([key])
        response = JSONResponse({"data": card, "key": raw}, status=201)
        return ignored_header(response, ignored)


class KeyByHashView(_KeysView):
    """One key: GET reads it, PATCH changes what is named, DELETE ends it for good."""

    def get(self, request: Request, key_hash: str) -> HttpResponse:
        [card] = cards([self.key(key_hash)])
        return JSONResponse({"data": card})

    def patch(self, request: Request, key_hash: str) -> HttpResponse:
        key = self.key(key_hash)
        body = read_object(request._request)
        ignored = ignored_of(request, body, SETTINGS)
        with self.acting(request):
            api_keys.edit(key=key, **settings_of(body))
        [card] = cards([key])
        return ignored_header(JSONResponse({"data": card}), ignored)

    def delete(self, request: Request, key_hash: str) -> HttpResponse:
        key = self.key(key_hash)
        with self.acting(request):
            api_keys.revoke(key=key)
        return JSONResponse({"data": {"hash": key.hash, "deleted": True}})


def settings_of(body: JSONObject) -> KeySettings:
    """Read what the body sets; null takes a bound away. Raises InvalidParameter."""
    settings = KeySettings()
    if (name := fields.text(body, "name", longest=NAME_MAX_CHARS, is_line=True)) is not None:
        settings["name"] = name
    if (disabled := fields.flag(body, "disabled")) is not None:
        settings["disabled"] = disabled
    if "limit" in body:
        settings["limit_nano"] = _limit_nano(body)
    if "limit_reset" in body:
        reset = fields.choice(body, "limit_reset", RESETS)
        settings["limit_reset"] = cast("LimitReset | None", reset)
    if "allowed_models" in body:
        settings["allowed_models"] = _texts(body, "allowed_models", MODEL_MAX_CHARS)
    if "allowed_ips" in body:
        settings["allowed_ips"] = _texts(body, "allowed_ips", NETWORK_MAX_CHARS)
    if "rate_limit" in body:
        settings["rate"] = _rate(body)
    return settings


def cards(keys: Iterable[APIKey]) -> list[dict[str, Any]]:
    """Return keys as the API shows them."""
    listed = list(keys)
    standings = key_budgets.standings({key.pk: api_keys.principal_of(key).budget for key in listed})
    return [_card(key, standings[key.pk]) for key in listed]


def _card(key: APIKey, standing: KeyStanding) -> dict[str, Any]:
    left_nano = standing.left_nano
    return {
        "hash": key.hash,
        "name": key.name,
        "label": str(key),
        "disabled": key.disabled,
        "limit": None if key.limit_nano is None else credits_number(key.limit_nano),
        "limit_remaining": None if left_nano is None else credits_number(left_nano),
        "limit_reset": key.limit_reset,
        "usage": credits_number(standing.total_nano),
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "allowed_models": key.allowed_models or None,
        "allowed_ips": key.allowed_ips or None,
        "rate_limit": _rate_card(key),
        "test": key.is_test,
    }


def _rate_card(key: APIKey) -> dict[str, Any] | None:
    if key.rate_requests is None:
        return None
    names = {window_s: name for name, window_s in INTERVALS.items()}
    window_s = key.rate_window_s or 0
    return {"requests": key.rate_requests, "interval": names.get(window_s, f"{window_s}s")}


def _limit_nano(body: JSONObject) -> int | None:
    """Read credits, exactly: a number, or a text that spells one."""
    value = body["limit"]
    if value is None:
        return None
    text = value if isinstance(value, str) else _decimal_text(value)
    if _AMOUNT.fullmatch(text):
        try:
            return nano_of(Decimal(text))
        except ValueError:
            pass
    raise InvalidParameter(
        "limit must be credits from 0 to 1000000000, with 9 decimal places at most.", param="limit"
    )


def _decimal_text(value: Any) -> str:
    """Return the digits of a JSON number, an empty text where it may not have kept them all."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    number = Decimal(repr(value))
    is_exact = isinstance(value, int) or len(number.as_tuple().digits) <= EXACT_DIGITS
    return f"{number:f}" if is_exact else ""


def _texts(body: JSONObject, name: str, longest: int) -> tuple[str, ...]:
    return fields.texts(body, name, most=LIST_MAX_ITEMS, longest=longest) or ()


def _rate(body: JSONObject) -> KeyRate | None:
    rate = fields.mapping(body, "rate_limit")
    if rate is None:
        return None
    path = "rate_limit."
    requests = fields.whole(rate, "requests", minimum=1, maximum=RATE_MAX, path=path)
    interval = fields.choice(rate, "interval", tuple(INTERVALS), path=path)
    if requests is None or interval is None:
        missing = "requests" if requests is None else "interval"
        raise InvalidParameter(f"rate_limit needs {missing}.", param=path + missing)
    return KeyRate(requests=requests, window_s=INTERVALS[interval])
