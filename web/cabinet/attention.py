"""What on an account asks for its owner's attention: each with the page where it is dealt with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.keys import lookup
from accounts.keys.key_principal import budget_of
from accounts.keys.lookup import APIKey
from billing.ledger import key_budgets, low_balance
from billing.ledger.balances import Balance
from billing.ledger.key_budgets import KeyStanding
from billing.usage.forecast import Forecast
from billing.usage.usage_days import UsageRow

SOON = timedelta(days=7)
MOST_KEYS = 200
NEARLY_PERCENT = 80
FAILED_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Matter:
    """A sentence, and where its link leads; `level` is the word of its notice's class."""

    level: Literal["error", "warning", "info"]
    text: str
    address: str
    action: str


def matters(
    account_id: int,
    balance: Balance,
    ahead: Forecast | None,
    today: Sequence[UsageRow],
    now: datetime,
) -> list[Matter]:
    """Return what matters now, the worst first; `today` is this day's usage. Raises MoneyStoreUnavailable."""
    found = [
        *_of_balance(account_id, balance, ahead, now),
        *_of_keys(account_id),
        *_of_requests(today),
    ]
    return sorted(found, key=lambda matter: ("error", "warning", "info").index(matter.level))


def _of_balance(
    account_id: int, balance: Balance, ahead: Forecast | None, now: datetime
) -> Iterator[Matter]:
    if balance.posted_nano < 0:
        yield Matter("error", _("The balance is below zero."), reverse("billing"), _("Top up"))
    if ahead is None or balance.posted_nano <= 0:
        return
    if ahead.ends_at is not None and ahead.ends_at - now <= SOON:
        days = max(1, (ahead.ends_at - now).days)
        text = ngettext(
            "At this pace the balance lasts for about %(days)s more day.",
            "At this pace the balance lasts for about %(days)s more days.",
            days,
        )
        yield Matter("warning", text % {"days": days}, reverse("billing"), _("Top up"))
    if low_balance.threshold_nano(account_id) is None:
        text = _("No mail will tell you when the balance runs low.")
        yield Matter("info", text, f"{reverse('billing')}#alert", _("Set it up"))


def _of_keys(account_id: int) -> Iterator[Matter]:
    bounded = {
        key.pk: key
        for key in lookup.live(account_id, most=MOST_KEYS, include_disabled=False)
        if key.limit_nano is not None
    }
    if not bounded:
        return
    budgets = {key.pk: budget_of(key) for key in bounded.values()}
    yield from _near_their_limit(bounded, key_budgets.standings(budgets))


def _near_their_limit(
    keys: Mapping[int, APIKey], standings: Mapping[int, KeyStanding]
) -> Iterator[Matter]:
    for key_id, key in keys.items():
        limit_nano, used_nano = key.limit_nano or 0, standings[key_id].used_nano or 0
        if used_nano * 100 < limit_nano * NEARLY_PERCENT:
            continue
        address, action = reverse("key", args=[key.digest]), _("Limits of this key")
        if used_nano >= limit_nano:
            text = _("The key “%(name)s” has used up its limit.") % {"name": key.name}
            yield Matter("error", text, address, action)
        else:
            percent = used_nano * 100 // limit_nano
            text = _("The key “%(name)s” has used %(percent)s %% of its limit.")
            yield Matter("warning", text % {"name": key.name, "percent": percent}, address, action)


def _of_requests(today: Sequence[UsageRow]) -> Iterator[Matter]:
    errors = sum(row.errors for row in today)
    if not errors or errors * 100 < sum(row.requests for row in today) * FAILED_PERCENT:
        return
    text = ngettext(
        "%(errors)s request of today failed.", "%(errors)s requests of today failed.", errors
    )
    address = f"{reverse('generations')}?status=failed&days=1"
    yield Matter("warning", text % {"errors": errors}, address, _("Failed requests"))
