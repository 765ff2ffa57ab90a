"""Reads credentials as they stand in the database, any number of one kind in one statement.

One that does not work comes as the exception that says why.
"""

from collections.abc import Collection, Iterable

from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import AccountSuspended, InvalidCredential, KeyFrozen
from accounts.keys import key_principal
from accounts.model_map.stored import ROW_OF_ACCOUNT, with_model_map
from accounts.models import Account, APIKey, IssuedToken, User
from accounts.oauth import tokens
from accounts.principal import CredentialKind, Principal
from accounts.signin import sessions

Verdict = Principal | Exception


def by_digest(kind: CredentialKind, digests: Collection[str]) -> dict[str, Verdict]:
    """Return the keys, or the access tokens, with these digests; unknown ones are left out."""
    if kind == "key":
        return {key.digest: _of_key(key) for key in _keys().filter(digest__in=digests)}
    rows = _tokens().filter(token__token_checksum__in=digests)
    return {issued.token.token_checksum: _of_token(issued) for issued in rows}


def by_id(kind: CredentialKind, ids: Collection[int]) -> dict[int, Verdict]:
    """Return the credentials with these ids, as Principal has them; unknown ones are left out."""
    if kind == "key":
        return {key.pk: _of_key(key) for key in _keys().filter(pk__in=ids)}
    if kind == "oauth":
        return {issued.pk: _of_token(issued) for issued in _tokens().filter(pk__in=ids)}
    accounts = (
        Account.objects.select_related("owner", ROW_OF_ACCOUNT.removeprefix("account__"))
        .filter(owner__in=ids)
        .order_by("-pk")
    )
    return {account.owner_id: _of_session(account) for account in accounts.order_by("-pk")}


def _keys() -> QuerySet[APIKey]:
    return APIKey.objects.select_related("account__owner", ROW_OF_ACCOUNT, "user")


def _tokens() -> QuerySet[IssuedToken]:
    return IssuedToken.objects.select_related(
        "account__owner", ROW_OF_ACCOUNT, "token__user", "token__application"
    )


def _of_key(key: APIKey) -> Verdict:
    is_over = key.expires_at is not None and key.expires_at <= timezone.now()
    if key.revoked_at is not None or key.disabled or is_over:
        return InvalidCredential()
    if _is_suspended(key.account, (key.user, key.account.owner)):
        return AccountSuspended()
    if key.frozen_at is not None:
        return KeyFrozen()
    return with_model_map(key_principal.principal_of(key), key.account)


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
