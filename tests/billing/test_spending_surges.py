"""A day's spending far above the week before is an event, and the key that spends it is slowed."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import APIKey, SecurityEvent
from accounts.security import events
from billing.ledger import ledger
from billing.models import UsageDay
from billing.usage.spending_surges import find, surges
from infra.credits import NANO_PER_CREDIT
from infra.moscow_time import moscow_day
from tests.accounts.people import account_of, new_key
from tests.gateway.customers import a_request

TODAY = dt.date(2026, 5, 20)
A, B, SESSION = ("key", 1), ("key", 2), ("session", 1)


def week(*credits_a_day: int, today: int = 0) -> dict[dt.date, int]:
    """Return a credential's spending: the days before, the latest first, and today."""
    days = {TODAY - dt.timedelta(days=ago): spent for ago, spent in enumerate(credits_a_day, 1)}
    return {day: spent * NANO_PER_CREDIT for day, spent in ({TODAY: today} | days).items() if spent}


@pytest.mark.parametrize(
    ("before", "today", "is_surge"),
    [((10, 10, 10, 10, 10, 10, 10), 100, False), ((10, 10, 10, 10, 10, 10, 10), 101, True),
     ((1, 1), 1000, False), ((1, 0, 1, 0, 1), 1000, True), ((1, 1, 1), 99, False),
     ((1, 1, 1), 100, True), ((0, 0, 0, 0, 0, 5, 5, 5, 5), 1000, False),
     ((68, 1, 1), 100, False), ((68, 1, 1), 101, True)],
)  # fmt: skip
def test_ten_times_the_mean_of_seven_days_with_spending_on_three_is_a_surge(
    before, today, is_surge
):
    found = list(surges({A: week(*before, today=today)}, TODAY))
    assert bool(found) is is_surge
    if found:
        assert (found[0].key_id, found[0].of) == (1, "key")
        assert found[0].mean_nano == sum(before[:7]) * NANO_PER_CREDIT // 7


def test_a_new_key_of_a_known_account_and_a_quiet_key_of_a_loud_one_are_found():
    steady = week(10, 10, 10, 10, 10, 10, 10, today=10)
    [new] = surges({A: steady, B: week(today=200)}, TODAY)
    assert (new.key_id, new.of, new.spent_nano) == (2, "account", 210 * NANO_PER_CREDIT)
    loud = week(*[1000] * 7, today=1000)
    [quiet] = surges({A: loud, B: week(1, 1, 1, today=150)}, TODAY)
    assert (quiet.key_id, quiet.of) == (2, "key")


def test_what_is_spent_without_a_key_is_the_accounts_once():
    found = list(surges({SESSION: week(1, 1, 1, today=60), ("oauth", 4): week(today=60)}, TODAY))
    assert [(each.key_id, each.of) for each in found] == [(None, "account")]


def spent(key: APIKey, *, ago: int, roubles: int) -> None:
    at = timezone.now() - dt.timedelta(days=ago)
    UsageDay.objects.create(
        account=key.account, day=moscow_day(at), credential_kind="key", credential_id=key.pk,
        model_id="gigachat-pro", requests=1, errors=0, tokens_prompt=1, tokens_completion=1,
        tokens_cached=0, cost_nano=roubles * NANO_PER_CREDIT, upstream_cost_nano=0,
    )  # fmt: skip


@pytest.mark.both_stores
@pytest.mark.django_db
def test_a_surge_slows_the_key_until_the_owner_confirms_and_is_told_once_a_day(monkeypatch):
    key, _ = new_key()
    quiet, _ = new_key("pierre@example.ru")
    ledger.adjust(account_of().pk, 1000 * NANO_PER_CREDIT, reason="gift", actor_id=None)
    for ago in (1, 3, 6):
        spent(key, ago=ago, roubles=10)
        spent(quiet, ago=ago, roubles=10)
    spent(quiet, ago=0, roubles=42)
    a_request(key, cost_nano=99 * NANO_PER_CREDIT)
    find()
    assert not SecurityEvent.objects.exists()
    a_request(key, cost_nano=NANO_PER_CREDIT)
    find()
    find()
    event = SecurityEvent.objects.get()
    assert (event.signal, event.api_key) == ("unusual_spending", key)
    assert event.evidence == {
        "of": "key",
        "spent_nano": 100 * NANO_PER_CREDIT,
        "mean_nano": 30 * NANO_PER_CREDIT // 7,
    }
    key.refresh_from_db()
    assert key.slowed_requests_per_minute == 60
    events.confirm(key.account, event.pk, by=key.user)
    monkeypatch.setattr(events, "QUIET", events.QUIET * 0)
    a_request(key, cost_nano=99 * NANO_PER_CREDIT)
    find()
    assert SecurityEvent.objects.count() == 1
    a_request(key, cost_nano=NANO_PER_CREDIT)
    find()
    assert SecurityEvent.objects.count() == 2
