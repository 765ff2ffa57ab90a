"""/v1/keys: an OAuth application with the scope `keys` manages the API keys of its user's account."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework.request import Request

from accounts import users
from accounts.audit.acting import acting, address_of
from accounts.errors import CredentialStoreUnavailable, InvalidKeySetting, KeyRevoked, TooManyKeys
from accounts.keys import issuing, lookup
from accounts.keys.key_principal import budget_of
from accounts.keys.lookup import APIKey
from accounts.oauth import tokens
from billing.ledger import key_budgets
from billing.ledger.key_budgets import KeyStanding
from gateway.api.body import JSONObject, read_object
from gateway.api.errors import BadRequest
from gateway.api.json_response import JSONResponse, credits_number
from gateway.api.schema.keys import (
    INTERVALS,
    KeyChange,
    KeyListQuery,
    KeyRotation,
    NewKey,
    key_settings,
)
from gateway.api.schema.parsing import Body, parse, unknown_paths
from gateway.api.view import View
from gateway.pipeline.errors import InvalidParameter

KEYS_ON_A_PAGE = 100

_HASH = re.compile(r"[0-9a-f]{64}")

Model = TypeVar("Model", bound=Body)


class ManagedKeysView(View):
    """The base of both."""

    scope = "keys"

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # as in View
        if isinstance(exc, OperationalError | InterfaceError):
            exc = CredentialStoreUnavailable()
        if isinstance(exc, InvalidKeySetting):
            exc = InvalidParameter(str(exc), param=exc.field)
        if isinstance(exc, TooManyKeys):
            exc = BadRequest(str(exc))
        if isinstance(exc, KeyRevoked | Http404):
            exc = BadRequest("There is no such key.", status=404, code="not_found")
        return super().handle_exception(exc)

    def key(self, key_hash: str) -> APIKey:
        """Return a key of the caller's account that is not revoked. Raises Http404."""
        key = self.find(key_hash)
        if key.revoked_at is not None:
            raise Http404
        return key

    def find(self, key_hash: str) -> APIKey:
        """Return a key of the caller's account, revoked or not. Raises Http404."""
        key = _HASH.fullmatch(key_hash) and lookup.find(self.caller.account_id, key_hash)
        if not key:
            raise Http404
        return key

    def body(self, model: type[Model], request: Request) -> Model:
        """Read the body. Raises InvalidParameter, also for a field that means nothing here.

        A restriction that was misspelt would otherwise be thought to hold.
        """
        body = parse(model, read_object(request._request))
        unknown = [*(body.model_extra or ()), *unknown_paths(body)]
        if unknown:
            raise InvalidParameter(f"{unknown[0]} means nothing here.", param=unknown[0])
        return body

    def created(self, key: APIKey, raw: str) -> HttpResponse:
        """Return the answer to a key's creation, the only one with its text."""
        [card] = self.cards([key])
        return JSONResponse({"data": card, "key": raw}, status=201)

    def cards(self, keys: Iterable[APIKey]) -> list[JSONObject]:
        """Return keys as the API shows them."""
        listed = list(keys)
        budgets = {key.pk: budget_of(key) for key in listed}
        standings = key_budgets.standings(budgets)
        return [self.card(key, standings[key.pk]) for key in listed]

    def card(self, key: APIKey, standing: KeyStanding) -> JSONObject:
        """Return one key."""
        return _card(key, standing)

    def acting(self, request: Request) -> AbstractContextManager[None]:
        """Audit what is done inside as done by the user of the token."""
        return acting(self.caller.user_id, address_of(request._request))


class KeysView(ManagedKeysView):
    """GET: the account's keys, the newest first. POST: a new one; only this answer has its text."""

    def get(self, request: Request) -> HttpResponse:
        query = parse(KeyListQuery, request.GET.dict())
        keys = lookup.live(
            self.caller.account_id,
            most=KEYS_ON_A_PAGE,
            offset=query.offset or 0,
            include_disabled=query.include_disabled is not False,
        )
        return JSONResponse({"data": self.cards(keys)})

    def post(self, request: Request) -> HttpResponse:
        body = self.body(NewKey, request)
        caller = self.caller
        application = tokens.application_of(caller.credential_id)
        with self.acting(request):
            key, raw = issuing.issue(
                account=users.account(caller.account_id),
                user=users.user(caller.user_id),
                application=application,
                made_by=application.name,
                is_test=body.test or False,
                **key_settings(body),
            )
        return self.created(key, raw)


class KeyByHashView(ManagedKeysView):
    """One key: GET reads it, PATCH changes the fields that are sent, DELETE revokes it."""

    def get(self, request: Request, key_hash: str) -> HttpResponse:
        [card] = self.cards([self.key(key_hash)])
        return JSONResponse({"data": card})

    def patch(self, request: Request, key_hash: str) -> HttpResponse:
        key = self.key(key_hash)
        body = self.body(KeyChange, request)
        with self.acting(request):
            issuing.edit(key=key, **key_settings(body))
        [card] = self.cards([key])
        return JSONResponse({"data": card})

    def delete(self, request: Request, key_hash: str) -> HttpResponse:
        key = self.key(key_hash)
        with self.acting(request):
            issuing.revoke(key=key)
        return JSONResponse(self.revoked(key))

    def revoked(self, key: APIKey) -> JSONObject:
        """Return what is said of a key that has just ended."""
        return {"data": {"hash": key.hash, "deleted": True}}


class KeyRotationView(ManagedKeysView):
    """POST replaces a key by a successor, whose text is in this answer alone."""

    def post(self, request: Request, key_hash: str) -> HttpResponse:
        key = self.find(key_hash)
        body = self.body(KeyRotation, request)
        with self.acting(request):
            successor, raw = issuing.rotate(key=key, overlap_s=body.overlap_seconds or 0)
        return self.created(successor, raw)


def _card(key: APIKey, standing: KeyStanding) -> JSONObject:
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
        "last_used_at": _moment(key.last_used_at),
        "last_used_network": key.last_used_network or None,
        "expires_at": _moment(key.expires_at),
        "frozen_at": _moment(key.frozen_at),
        "allowed_models": key.allowed_models or None,
        "allowed_ips": key.allowed_ips or None,
        "rate_limit": _rate_card(key),
        "concurrency": key.concurrency,
        "test": key.is_test,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _rate_card(key: APIKey) -> dict[str, Any] | None:
    if key.rate_requests is None:
        return None
    names = {window_s: name for name, window_s in INTERVALS.items()}
    window_s = key.rate_window_s or 0
    return {"requests": key.rate_requests, "interval": names.get(window_s, f"{window_s}s")}
