"""The names of an account's credentials, for pages and reports of usage."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts.models import APIKey, IssuedToken

CredentialRef = tuple[str, int]


def credential_labels(
    account_id: int, credentials: Iterable[CredentialRef]
) -> dict[CredentialRef, str]:
    """Return a label for each (kind, id): the name of the account's key or of its token's application, else
    the kind itself.

    Raises django.db.Error.
    """
    ids: dict[str, list[int]] = {}
    for kind, credential_id in credentials:
        ids.setdefault(kind, []).append(credential_id)
    keys = APIKey.objects.filter(account=account_id, pk__in=ids.get("key", ()))
    tokens = IssuedToken.objects.filter(account=account_id, pk__in=ids.get("oauth", ()))
    names = {
        "key": dict(keys.values_list("pk", "name")),
        "oauth": dict(tokens.values_list("pk", "token__application__name")),
    }
    kinds = {"key": _("key"), "oauth": _("OAuth"), "session": _("session")}
    return {
        (kind, credential_id): names.get(kind, {}).get(credential_id, kinds[kind])
        for kind, of_kind in ids.items()
        for credential_id in of_kind
    }
