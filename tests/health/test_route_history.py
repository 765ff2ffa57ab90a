"""How each model answered at each provider: counted from settled requests, shown by the API and the pages."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from gateway.catalog import snapshot
from gateway.health import measured_routes, route_history
from gateway.health.measured_routes import MeasuredRoutes, routes
from gateway.health.route_history import UNMEASURED, RouteBin, RouteFigures
from gateway.tasks import keep_provider_history
from tests.health.test_history import _request

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

MINUTE = dt.timedelta(minutes=1)
NAME = "gigachat-2", "gigachat"


@pytest.fixture(autouse=True)
def _unread() -> Iterator[None]:
    routes.reset()
    yield
    routes.reset()


def ago(minutes: int) -> dt.datetime:
    return timezone.now() - minutes * MINUTE


def answered(minutes: int, first_ms: int, latency_ms: int, tokens: int, **fields: Any) -> None:
    values = {"latency_ms": latency_ms, "tokens_completion": tokens}
    _request(ago(minutes), ("gigachat", "answered", first_ms), **values | fields)


def test_the_last_hour_and_the_last_day_are_told_apart() -> None:
    answered(20, 300, 1300, 50)
    answered(21, 100, 2100, 50)
    answered(22, 200, 1200, 20)
    _request(ago(200), ("gigachat", "timeout", 9), error_code="timeout")
    keep_provider_history()

    found = route_history.measures(timezone.now())[NAME]

    assert (found.hour.requests, found.hour.failures, found.hour.success_rate) == (3, 0, 1.0)
    assert (found.day.requests, found.day.failures, found.day.success_rate) == (4, 1, 0.75)
    assert found.hour.first_token_ms is not None
    assert 100 <= found.hour.first_token_ms <= 300
    assert found.hour.latency_ms is not None
    assert 1200 <= found.hour.latency_ms <= 2100
    assert found.hour.tokens_per_second is not None
    assert 20 <= found.hour.tokens_per_second <= 50


def test_speed_is_that_of_the_words_and_a_plain_answer_has_no_first_token() -> None:
    answered(5, 400, 1000, 60, is_streamed=False)
    keep_provider_history()
    assert route_history.measures(timezone.now())[NAME].hour == RouteFigures(1, 0, None, 1000, 3600)


def test_each_attempt_counts_for_who_was_asked_and_a_limit_for_nobody() -> None:
    attempts = [
        ("yandexgpt", "unavailable", 10),
        ("gigachat", "busy", 5),
        ("gigachat", "answered", 300),
    ]
    _request(ago(5), *attempts, latency_ms=900, tokens_completion=9)
    keep_provider_history()
    found = route_history.measures(timezone.now())
    assert (found[NAME].hour.requests, found[NAME].hour.failures) == (1, 0)
    other = found["gigachat-2", "yandexgpt"].hour
    assert (other.requests, other.failures, other.latency_ms) == (1, 1, None)


def test_counting_again_changes_nothing_and_old_bins_are_forgotten() -> None:
    answered(5, 300, 1000, 9)
    old = ago(60 * 49).replace(minute=0, second=0, microsecond=0)
    RouteBin.objects.create(model_id="x", provider="y", began_at=old, requests=1, failures=0)
    for _ in range(2):
        keep_provider_history()
        assert RouteBin.objects.count() == 1
    answered(5, 300, 1000, 9)
    keep_provider_history()
    assert route_history.measures(timezone.now())[NAME].hour.requests == 2


def test_a_process_reads_the_figures_once_a_minute_and_keeps_them_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time_s, answers = 0.0, [{NAME: UNMEASURED}, DatabaseError()]

    def read(_: dt.datetime) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, DatabaseError):
            raise answer
        return answer

    monkeypatch.setattr(measured_routes, "measures", read)
    measured = MeasuredRoutes(clock=lambda: time_s)
    for _ in range(3):
        assert measured.of(*NAME) is UNMEASURED
    assert len(answers) == 1
    time_s = MeasuredRoutes.every_s
    assert measured.of(*NAME) is UNMEASURED
    assert answers == []


def test_the_api_and_the_page_of_a_model_show_the_figures() -> None:
    snapshot.reset()
    answered(5, 400, 2400, 60)
    keep_provider_history()
    routes.reset()

    [endpoint] = Client().get("/v1/models/gigachat/endpoints").json()["data"]["endpoints"]
    assert (
        endpoint["last_hour"]
        == endpoint["last_day"]
        == {
            "requests": 1,
            "success_rate": 1.0,
            "latency_ms": 2400,
            "time_to_first_token_ms": 400,
            "tokens_per_second": 30.0,
        }
    )
    assert (endpoint["provider"], endpoint["model"]) == ("gigachat", "gigachat-2")
    [other] = (
        Client().get("/api/v1/models/gigachat/gigachat-2/endpoints").json()["data"]["endpoints"]
    )
    assert (other["uptime_last_1d"], other["last_hour"]) == (100.0, endpoint["last_hour"])
    page = Client(headers={"accept-language": "en"}).get("/models/gigachat-2/").content.decode()
    assert "30" in page
    assert "2400" in page.replace("\xa0", "").replace(",", "")


def test_a_model_that_nobody_asked_has_no_figures() -> None:
    snapshot.reset()
    endpoints = Client().get("/v1/models/xrouter/auto/endpoints").json()["data"]["endpoints"]
    assert len(endpoints) > 5
    assert all(
        endpoint["last_day"]
        == {
            "requests": 0,
            "success_rate": None,
            "latency_ms": None,
            "time_to_first_token_ms": None,
            "tokens_per_second": None,
        }
        for endpoint in endpoints
    )
    assert Decimal(endpoints[0]["pricing"]["prompt"]) > 0
    assert Client().get("/v1/models/gpt-4o/endpoints").status_code == 404
