"""Who uses a model, from the days of usage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from billing.models import UsageDay


@dataclass(frozen=True, slots=True)
class ModelUser:
    """An account, what its owner calls it, and the owner's address."""

    account_id: int
    account_name: str
    email: str


def users_of(model_id: str, since: date) -> Iterator[ModelUser]:
    """Yield the accounts that were answered by a model since a day. Raises django.db.Error."""
    rows = UsageDay.objects.filter(model_id=model_id, day__gte=since).order_by("account_id")
    values = rows.values_list("account_id", "account__name", "account__owner__email").distinct()
    for account_id, name, email in values:
        yield ModelUser(account_id, name, email)
