"""From which networks accounts are made, and how many."""

import math
from datetime import timedelta

from django.utils import timezone

from accounts.security.models import SignUp
from accounts.security.tallies import Evidence

WINDOW = timedelta(hours=1)
MOST_AN_HOUR = 5
SHOWN_MOST = 50


def record(*, account_id: int, network: str) -> None:
    """Record where an account was made from. Call inside its transaction."""
    SignUp.objects.create(account_id=account_id, network=network)


def count(network: str, within: timedelta) -> int:
    """Return how many accounts a network made lately; none of a network of our own."""
    if not network:
        return 0
    return SignUp.objects.filter(network=network, at__gt=timezone.now() - within).count()


def wait_s(network: str, within: timedelta, *, most: int) -> int:
    """Return in how many seconds a network will have made fewer than `most` accounts within that time."""
    made = SignUp.objects.filter(network=network).order_by("-at").values_list("at", flat=True)
    at = made[most - 1 : most].first()
    left_s = (at + within - timezone.now()).total_seconds() if at else 0
    return max(1, math.ceil(left_s))


def judge(network: str) -> Evidence | None:
    """Return the evidence where a network has made more than MOST_AN_HOUR accounts in an hour."""
    made = SignUp.objects.filter(network=network, at__gt=timezone.now() - WINDOW)
    accounts = list(made.order_by("-pk").values_list("account_id", flat=True)[:SHOWN_MOST])
    return {"accounts": accounts} if len(accounts) > MOST_AN_HOUR else None
