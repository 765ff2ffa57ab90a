"""Who uses a model, from the days of usage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from accounts.users import Account
from billing.models import UsageDay


@dataclass(frozen=True, slots=True)
class ModelUser:
    """An account, what its owner calls it, the owner's address and the language to write in."""

    account_id: int
    account_name: str
    email: str
    language: str


def users_of(model_id: str, since: date) -> Iterator[ModelUser]:
    """Yield the accounts that were answered by a model since a day. Raises django.db.Error."""
    rows = UsageDay.objects.filter(model_id=model_id, day__gte=since).order_by("account_id")
    accounts = Account.objects.select_related("owner").order_by("pk")
    for account in accounts.filter(pk__in=rows.values("account_id")):
        owner = account.owner
        yield ModelUser(account.pk, account.name, owner.email, owner.mail_language)
