"""What people call the credentials of their account, where their use is shown."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts.models import APIKey

Credential = tuple[str, int]


def credential_labels(account_id: int, credentials: Iterable[Credential]) -> dict[Credential, str]:
    """Return a label for each (kind, id): the name of the account's own key, else the kind itself.

    Raises django.db.Error.
    """
    wanted = set(credentials)
    ids = [credential_id for kind, credential_id in wanted if kind == "key"]
    names = dict(APIKey.objects.filter(account=account_id, pk__in=ids).values_list("pk", "name"))
    kinds = {"key": _("key"), "oauth": _("OAuth"), "session": _("session")}
    return {
        (kind, credential_id): names.get(credential_id, kinds[kind])
        if kind == "key"
        else kinds[kind]
        for kind, credential_id in wanted
    }
