"""The status page: what people see of the providers, now and in the last ninety days."""

import datetime as dt
import re
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from gateway import upstreams
from gateway.health import monitor
from gateway.health.breaker import FAILURES_TO_OPEN
from gateway.health.history import ProviderHour
from tests.gateway.health.notes import note

pytestmark = pytest.mark.django_db


def _page(client: Client, language: str = "ru") -> str:
    response = client.get("/status/", headers={"Accept-Language": language})
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode().replace("&nbsp;", " "))


def _hour(provider: str, hours_ago: int, requests: int, failures: int, first_ms: int) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    ProviderHour.objects.create(
        provider=provider,
        began_at=now - dt.timedelta(hours=hours_ago),
        requests=requests,
        failures=failures,
        first_token_ms=first_ms,
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ["Все провайдеры отвечают.", "Истории пока нет", "запросов не было"]),
        ("en", ["All providers answer.", "There is no history yet", "there were none"]),
    ],
)
def test_before_the_first_request_everything_is_well(
    client: Client, language: str, words: list[str]
) -> None:
    page = _page(client, language)

    assert all(word in page for word in words)
    assert "GigaChat" in page
    assert "YandexGPT" in page


def test_in_english_no_word_is_russian_but_the_name_of_the_language(client: Client) -> None:
    _hour("gigachat", 2, 100, 1, 640)

    assert set(re.findall(r"[а-яё]+", _page(client, "en").lower())) <= {"русский"}


def test_a_provider_that_failed_is_told_as_such(client: Client) -> None:
    for _ in range(FAILURES_TO_OPEN):
        monitor.current().note(note("failed", is_counted=True))
    monitor.current().note(note("finished", "yandexgpt/latest", provider="yandexgpt", first_ms=800))

    page = _page(client)

    assert "Не отвечает" in page
    assert "Не все провайдеры отвечают как следует." in page
    assert re.search(r"<dd>0 %</dd>", page)
    assert re.search(r"<dd>0,\d\d с</dd>", page)


def test_the_history_is_shown_by_days_and_by_hours(client: Client) -> None:
    for hours_ago in (1, 30):
        _hour("gigachat", hours_ago, 200, 3, 640)
    _hour("yandexgpt", 24 * 95, 100, 100, 640)

    page = _page(client)

    assert page.count('<th scope="row"') == 3  # two days, and one hour
    assert page.count("98,50 %") == 3
    assert page.count("0,64 с") == 3
    assert '"label": "GigaChat", "values": [98.5, 98.5]' in page
    assert '"label": "YandexGPT", "values": [null, null]' in page


def test_without_the_database_the_page_says_so(client: Client) -> None:
    upstreams.served(is_test=False)

    def refuse(*arguments: Any) -> NoReturn:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(refuse):
        response = client.get("/status/", headers={"Accept-Language": "en"})

    assert response.status_code == 503
    assert "cannot be read at this moment" in response.content.decode()


def test_reading_the_page_changes_nothing_and_nothing_else_is_taken(client: Client) -> None:
    _page(client)
    assert ProviderHour.objects.count() == 0
    assert client.post("/status/").status_code == 405
    assert client.get("/status").status_code == 302
