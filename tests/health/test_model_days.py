"""Days of models: summed up from the bins of all providers, kept for ninety days, and never cut short."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from gateway.health import model_days, route_history
from gateway.health.history import KEPT_DAYS
from gateway.health.model_days import ModelDay
from gateway.health.route_history import RouteBin, RouteFigures
from gateway.tasks import keep_provider_history
from infra.moscow_time import midnight, moscow_day
from tests.health.test_history import _request

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

MODEL = "gigachat-2"
DAY = dt.timedelta(days=1)


def today() -> dt.date:
    return moscow_day(timezone.now())


def a_bin(began_at: dt.datetime, requests: int, failures: int = 0, **fields: Any) -> None:
    values: dict[str, Any] = {"model_id": MODEL, "provider": "gigachat"} | fields
    RouteBin.objects.create(began_at=began_at, requests=requests, failures=failures, **values)


def test_a_day_has_the_bins_of_all_providers_between_two_midnights_in_moscow() -> None:
    begins = midnight(today() - DAY)
    a_bin(begins, 3, 1, first_token_ms=300)
    a_bin(begins + DAY - route_history.BIN, 5, first_token_ms=100, provider="yandexgpt")
    a_bin(begins + DAY, 7)

    model_days.keep()

    assert model_days.days()[MODEL] == model_days.days_of(MODEL) == {
        today() - DAY: RouteFigures(8, 1, 100),
        today(): RouteFigures(7, 0),
    }  # fmt: skip


def test_a_request_is_in_the_day_of_its_model() -> None:
    at = timezone.now() - dt.timedelta(minutes=5)
    _request(at, ("yandexgpt", "unavailable", 9), ("gigachat", "answered", 300), latency_ms=900)

    for _ in range(2):
        keep_provider_history()

    assert model_days.days_of(MODEL) == {moscow_day(at): RouteFigures(2, 1, 300)}


def test_a_day_whose_bins_are_gone_stays_as_it_was() -> None:
    a_bin(midnight(today() - 2 * DAY), 4, 1)
    a_bin(midnight(today() - DAY), 6)
    keep_provider_history()
    assert not RouteBin.objects.filter(began_at__lt=midnight(today() - DAY)).exists()

    keep_provider_history()

    figures = {day: found.requests for day, found in model_days.days_of(MODEL).items()}
    assert figures == {today() - 2 * DAY: 4, today() - DAY: 6}


def test_after_a_pause_all_that_was_missed_is_counted() -> None:
    a_bin(midnight(today() - 4 * DAY), 1)
    _request(midnight(today() - 3 * DAY), ("gigachat", "answered", 5), latency_ms=9)

    keep_provider_history()

    assert set(model_days.days_of(MODEL)) == {today() - 4 * DAY, today() - 3 * DAY}


def test_the_first_count_begins_with_the_whole_of_yesterday() -> None:
    _request(midnight(today() - DAY), ("gigachat", "answered", 5), latency_ms=9)

    keep_provider_history()

    assert set(model_days.days_of(MODEL)) == {today() - DAY}


def test_days_are_kept_for_ninety_days() -> None:
    for days_ago in (KEPT_DAYS - 1, KEPT_DAYS):
        ModelDay.objects.create(
            model_id=MODEL, day=today() - days_ago * DAY, requests=1, failures=0
        )
    assert len(model_days.days_of(MODEL)) == 1

    model_days.keep()

    assert ModelDay.objects.count() == 1


def test_the_database_refuses_more_failures_than_requests() -> None:
    with pytest.raises(IntegrityError, match="model_failures_are_requests"):
        ModelDay.objects.create(model_id=MODEL, day=today(), requests=1, failures=2)
