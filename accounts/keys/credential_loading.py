"""Reads credentials as they stand in the database, any number of one kind in one statement.

One that does not work comes as the exception that says why.
"""

import functools
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import AccountSuspended, InvalidCredential, KeyFrozen
from accounts.keys import key_principal
from accounts.model_map.stored import (
    MODEL_MAP_ENTRIES,
    ROW_OF_ACCOUNT,
    with_entries,
    with_model_map,
)
from accounts.models import Account, APIKey, IssuedToken, User
from accounts.oauth import tokens
from accounts.principal import CredentialKind, Principal
from accounts.signin import sessions
from infra import prepared

Verdict = Principal | Exception

_NEEDED = {
    *("id", "account_id", "user_id", "digest", "name", "is_test", "scopes", "allowed_models"),
    *("allowed_ips", "limit_nano", "limit_reset", "budget_keys", "rate_requests", "rate_window_s"),
    *("concurrency", "slowed_requests_per_minute"),
    *("revoked_at", "disabled", "expires_at", "frozen_at"),
}
_KEY_COLUMNS = [name for each in APIKey._meta.concrete_fields if (name := each.attname) in _NEEDED]
"""In the order of the table, as `from_db` wants them."""
_BESIDE_KEY = (
    *("account__suspended_at", "account__owner__is_active", "user__is_active"),
    MODEL_MAP_ENTRIES,
)


def by_digest(kind: CredentialKind, digests: Collection[str]) -> dict[str, Verdict]:
    """Return the keys, or the access tokens, with these digests; unknown ones are left out."""
    if kind == "key":
        return dict(map(_of_row, _key_rows(digests)))
    rows = _tokens().filter(token__token_checksum__in=digests)
    return {issued.token.token_checksum: _of_token(issued) for issued in rows}


def by_id(kind: CredentialKind, ids: Collection[int]) -> dict[int, Verdict]:
    """Return the credentials with these ids, as Principal has them; unknown ones are left out."""
    if kind == "key":
        return {row[0]: _of_row(row)[1] for row in _key_values().filter(pk__in=ids)}
    if kind == "oauth":
        return {issued.pk: _of_token(issued) for issued in _tokens().filter(pk__in=ids)}
    accounts = (
        Account.objects.select_related("owner", ROW_OF_ACCOUNT.removeprefix("account__"))
        .filter(owner__in=ids)
        .order_by("-pk")
    )
    return {account.owner_id: _of_session(account) for account in accounts.order_by("-pk")}


def _key_rows(digests: Collection[str]) -> Iterable[tuple[Any, ...]]:
    """Return the columns of _KEY_COLUMNS and _BESIDE_KEY of these keys."""
    if connection.vendor == "postgresql":
        return prepared.rows(_key_statement(), prepared.array(digests))
    return _key_values().filter(digest__in=digests)


def _key_values() -> QuerySet[APIKey, tuple[Any, ...]]:
    return APIKey.objects.values_list(*_KEY_COLUMNS, *_BESIDE_KEY)


@functools.cache
def _key_statement() -> str:
    """Return the statement that a process reads keys with: to put it together costs more than to run it."""
    rows = _key_values().extra(where=["accounts_apikey.digest = ANY($1)"])
    return str(rows.query.sql_with_params()[0])


def _tokens() -> QuerySet[IssuedToken]:
    return IssuedToken.objects.select_related(
        "account__owner", ROW_OF_ACCOUNT, "token__user", "token__application"
    )


def _of_row(row: tuple[Any, ...]) -> tuple[str, Verdict]:
    """Return a key's digest, and what the columns of `_key_rows` make of it."""
    size = len(_KEY_COLUMNS)
    key = APIKey.from_db(None, _KEY_COLUMNS, row[:size])
    suspended_at, is_owner_active, is_user_active, entries = row[size:]
    is_suspended = suspended_at is not None or not (is_owner_active and is_user_active)
    verdict = _of_key(key, is_suspended=is_suspended)
    if isinstance(verdict, Principal):
        verdict = with_entries(verdict, entries)
    return key.digest, verdict


def _of_key(key: APIKey, *, is_suspended: bool) -> Verdict:
    is_over = key.expires_at is not None and key.expires_at <= timezone.now()
    if key.revoked_at is not None or key.disabled or is_over:
        return InvalidCredential()
    if is_suspended:
        return AccountSuspended()
    if key.frozen_at is not None:
        return KeyFrozen()
    return key_principal.principal_of(key)


def _of_token(issued: IssuedToken) -> Verdict:
    if issued.token.is_expired():
        return InvalidCredential()
    if _is_suspended(issued.account, (issued.token.user, issued.account.owner)):
        return AccountSuspended()
    return with_model_map(tokens.principal_of(issued), issued.account)


def _of_session(account: Account) -> Verdict:
    if _is_suspended(account, (account.owner,)):
        return AccountSuspended()
    return with_model_map(sessions.principal_of(account), account)


def _is_suspended(account: Account, people: Iterable[User]) -> bool:
    return account.suspended_at is not None or not all(person.is_active for person in people)
