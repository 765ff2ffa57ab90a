"""The status page: what people see of the providers, now and in the last ninety days."""

import datetime as dt
import re
from typing import Any, NoReturn

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from gateway import upstreams
from gateway.catalog import snapshot
from gateway.health import monitor
from gateway.health.breaker import FAILURES_TO_OPEN
from gateway.health.history import KEPT_DAYS, ProviderHour
from gateway.models import ModelDay, ServiceIncident
from tests.accounts.operators import seat
from tests.health.notes import note

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


@pytest.mark.parametrize(
    ("failures", "colour"), [(0, "good"), (5, "good"), (6, "warn"), (50, "warn"), (51, "bad")]
)
def test_a_day_has_the_colour_of_its_answered_requests(
    client: Client, failures: int, colour: str
) -> None:
    _hour("gigachat", 2, 100, failures, 640)

    assert _page(client).count(f'class="strip-{colour}"') == 1


def _incident(began_days_ago: int, ended_days_ago: int | None = None, **words: str) -> None:
    now = timezone.now()
    ended_at = None if ended_days_ago is None else now - dt.timedelta(days=ended_days_ago)
    began_at = now - dt.timedelta(days=began_days_ago)
    ServiceIncident.objects.create(began_at=began_at, ended_at=ended_at, **words)


def test_operators_tell_of_incidents_in_both_languages(client: Client) -> None:
    _incident(0, title="Сбой <b>сети</b>", title_en="Network", text="Чиним", text_en="At work")
    _incident(40, 29, title="Давно прошёл")
    _incident(40, 31, title="Забыт")
    _incident(-1, title="Завтра")

    russian, english = _page(client), _page(client, "en")

    assert "Сбой &lt;b&gt;сети&lt;/b&gt;" in russian
    assert "<p>Чиним</p>" in russian
    assert "Network" in english
    assert "<p>At work</p>" in english
    assert "Давно прошёл" in russian
    assert "Забыт" not in russian
    assert "Завтра" not in russian
    assert "All providers answer, but an incident goes on." in english


def test_an_incident_ends_after_it_began() -> None:
    with pytest.raises(IntegrityError, match="an_incident_ends_after_it_began"):
        _incident(1, 2, title="Наоборот")


def test_an_incident_goes_on_until_the_end_that_is_foreseen_has_come(client: Client) -> None:
    _incident(0, -1, title="Работы", title_en="Maintenance")

    page = _page(client, "en")

    assert "goes on</span>" in page
    assert "All providers answer, but an incident goes on." in page


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("began_at", {"began_at_0": "01.01.0001"}),
        ("ended_at", {"ended_at_0": "31.12.9999", "ended_at_1": "23:59"}),
        ("title_en", {"text_en": "At work"}),
    ],
)
def test_an_incident_that_no_page_could_show_is_refused_by_its_field(
    client: Client, field: str, form: dict[str, str]
) -> None:
    operator = seat(client, User.objects.create_superuser("operator@example.ru", "a long password"))
    typed = {"title": "Сбой", "began_at_0": "01.01.2026", "began_at_1": "00:00"} | form

    refused = operator.post("/admin/gateway/serviceincident/add/", typed)

    assert list(refused.context["adminform"].form.errors) == [field]
    assert not ServiceIncident.objects.exists()


def test_without_a_provider_nothing_is_well(client: Client, settings: Settings) -> None:
    settings.SANDBOX, settings.IS_HTTPS = False, True

    page = _page(client, "en")

    assert "No provider is connected to this service" in page
    assert "All providers answer." not in page


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
    assert re.search(r"<dd>\d{3} мс</dd>", page)


def test_the_history_is_shown_by_days_and_by_hours(client: Client) -> None:
    for hours_ago in (1, 30):
        _hour("gigachat", hours_ago, 200, 3, 640)
    _hour("yandexgpt", 24 * 95, 100, 100, 640)

    page = _page(client)

    assert page.count('<th scope="row"') == 3  # two days, and one hour
    assert page.count("98,50 %") == 3 + 2  # in the tables, and on the bars of the two days
    assert page.count("640 мс") == 3 + 2
    assert page.count('class="strip-good"') == 2
    assert page.count('class="strip-none"') == 2 * KEPT_DAYS - 2


def _model_day(model_id: str, days_ago: int, requests: int, failures: int) -> None:
    day = timezone.localdate() - dt.timedelta(days=days_ago)
    ModelDay.objects.create(model_id=model_id, day=day, requests=requests, failures=failures)


def test_each_model_that_was_asked_has_its_days_and_the_bad_ones_are_named(client: Client) -> None:
    assert "Models" not in _page(client, "en").partition("<main")[2]
    _model_day("gigachat-2", 0, 100, 1)
    _model_day("gigachat-2", 3, 100, 40)
    _model_day("yandexgpt:latest", 1, 10, 10)
    _model_day("no-longer-served", 1, 10, 10)

    page = _page(client, "en")

    assert page.count('<li class="strip">') == 2
    assert "79.50 %" in page  # 159 of 200
    assert page.count('d="M89.1 0h.8v10h-.8z"') == 1  # the one good day, at the right end
    assert page.count('class="strip-warn"') == 1
    assert page.count('class="strip-bad"') == 1
    assert re.findall(r"<li>([^,<]+), <time datetime=\"([^\"]+)\"", page) == [
        ("GigaChat 2 Lite", str(timezone.localdate() - dt.timedelta(days=3))),
        ("YandexGPT Pro (latest)", str(timezone.localdate() - dt.timedelta(days=1))),
    ]
    assert "no-longer-served" not in page


def test_a_model_without_a_bad_day_has_none_to_name(client: Client) -> None:
    _model_day("gigachat-2", 0, 100, 1)
    assert "There were none." in _page(client, "en")


def test_ninety_days_of_every_model_stay_a_small_page(client: Client) -> None:
    today = timezone.localdate()
    ModelDay.objects.bulk_create(
        ModelDay(
            model_id=model.id, day=today - dt.timedelta(days=ago), requests=100, failures=ago % 5
        )
        for model in snapshot.current().models()
        for ago in range(KEPT_DAYS)
    )
    assert len(_page(client).encode()) < 150_000


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
    assert client.get("/status").status_code == 301
