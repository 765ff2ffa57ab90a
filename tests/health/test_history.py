"""The history of providers: counted from settled requests, the same however often it is counted."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Generation
from billing.usage.generation_ids import least_id_at
from billing.usage.generations import AttemptRecord
from gateway.health import history
from gateway.health.history import KEPT_DAYS, Period, ProviderHour
from gateway.tasks import keep_provider_history

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def _request(
    at: dt.datetime, *attempts: tuple[str, str, int], error_code: str = "", **fields: Any
) -> None:
    """Write down a settled request: of each attempt its provider, its outcome, its milliseconds."""
    values: dict[str, Any] = {
        "account_id": 1,
        "user_id": 1,
        "credential_kind": "key",
        "credential_id": 1,
        "is_test": False,
        "requested_model": "gigachat",
        "model_id": "gigachat-2",
        "provider": attempts[-1][0] if attempts else "",
        "is_streamed": True,
        "is_cancelled": False,
        "day": at.date(),
        "created_at": at,
        "tokens_prompt": 1,
        "tokens_completion": 1,
        "tokens_cached": 0,
        "tokens_source": "provider",
        "cost_nano": 0,
        "write_off_nano": 0,
        "finish_reason": "stop",
        "native_finish_reason": "stop",
        "error_code": error_code,
        "attempts": [
            AttemptRecord(provider=provider, model="gigachat-2", outcome=outcome, ms=ms)
            for provider, outcome, ms in attempts
        ],
        "adapted": [],
    }
    generation_id = uuid.UUID(int=least_id_at(at).int | uuid.uuid4().int & (1 << 64) - 1)
    Generation.objects.create(id=generation_id, **values | fields)


def _hours() -> dict[tuple[str, int], tuple[int, int, int | None]]:
    """Return (provider, hours ago) → requests, failures, first token."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    return {
        (row.provider, (now - row.began_at) // dt.timedelta(hours=1)): (
            row.requests,
            row.failures,
            row.first_token_ms,
        )
        for row in ProviderHour.objects.all()
    }


def _an_hour_ago() -> dt.datetime:
    return timezone.now().replace(minute=30, second=0, microsecond=0) - dt.timedelta(hours=1)


def test_each_provider_is_counted_for_what_it_was_asked() -> None:
    at = _an_hour_ago()
    _request(at, ("gigachat", "answered", 300))
    _request(at, ("gigachat", "timeout", 60_000), ("yandexgpt", "answered", 500))

    keep_provider_history()

    assert _hours() == {("gigachat", 1): (2, 1, 300), ("yandexgpt", 1): (1, 0, 500)}


def test_what_is_no_fault_of_a_provider_does_not_count() -> None:
    at = _an_hour_ago()
    _request(at, ("gigachat", "busy", 5))
    _request(at, ("gigachat", "rejected", 5))
    _request(at, ("gigachat", "answered", 5), is_test=True)
    _request(at)

    keep_provider_history()

    assert _hours() == {}


def test_an_answer_that_broke_is_a_failure() -> None:
    _request(_an_hour_ago(), ("gigachat", "answered", 300), error_code="not_understood")

    keep_provider_history()

    assert _hours() == {("gigachat", 1): (1, 1, None)}


def test_streams_are_timed_and_plain_answers_where_there_are_none() -> None:
    at = _an_hour_ago()
    _request(at, ("gigachat", "answered", 100))
    _request(at, ("gigachat", "answered", 9000), is_streamed=False)
    _request(at, ("yandexgpt", "answered", 9000), is_streamed=False)

    keep_provider_history()

    assert _hours() == {("gigachat", 1): (2, 0, 100), ("yandexgpt", 1): (1, 0, 9000)}


def test_counting_twice_or_late_changes_nothing_but_what_came_since() -> None:
    at = _an_hour_ago()
    for hours in (0, 3, 5):
        _request(at - dt.timedelta(hours=hours), ("gigachat", "answered", 100))
    keep_provider_history()
    first = _hours()
    keep_provider_history()
    assert _hours() == first == {("gigachat", ago): (1, 0, 100) for ago in (1, 4, 6)}

    _request(at, ("gigachat", "unavailable", 3))
    keep_provider_history()
    assert _hours()["gigachat", 1] == (2, 1, 100)


def test_hours_that_were_missed_are_counted_afterwards() -> None:
    at = _an_hour_ago()
    ProviderHour.objects.create(
        provider="gigachat",
        began_at=at.replace(minute=0) - dt.timedelta(days=3),
        requests=1,
        failures=0,
    )
    _request(at - dt.timedelta(days=2), ("gigachat", "answered", 100))

    keep_provider_history()

    assert ("gigachat", 49) in _hours()


def test_what_is_older_than_ninety_days_is_forgotten() -> None:
    now = timezone.now()
    for days in (KEPT_DAYS - 1, KEPT_DAYS + 1):
        ProviderHour.objects.create(
            provider="gigachat", began_at=now - dt.timedelta(days=days), requests=1, failures=0
        )

    keep_provider_history()

    assert [hour.began_at.date() for hour in history.hours(now - dt.timedelta(days=100))] == [
        (now - dt.timedelta(days=KEPT_DAYS - 1)).date()
    ]


def test_days_are_moscows_and_weigh_their_hours() -> None:
    evening = dt.datetime(2026, 11, 1, 20, tzinfo=dt.UTC)  # 23:00 in Moscow
    periods = [
        Period("gigachat", evening, 1, 0, 900),
        Period("gigachat", evening + dt.timedelta(hours=1), 10, 5, 100),
        Period("gigachat", evening + dt.timedelta(hours=2), 2, 0, 5000),
        Period("gigachat", evening + dt.timedelta(hours=3), 4, 4, None),
    ]

    first, second = history.days(periods)

    assert (first.began_at.isoformat(), first.requests) == ("2026-11-01T00:00:00+03:00", 1)
    assert (second.requests, second.failures, second.first_token_ms) == (16, 9, 100)
    assert second.success_rate == 7 / 16
