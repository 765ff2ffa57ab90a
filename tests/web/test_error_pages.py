"""What people and programs see when something goes wrong, from a wrong host to a fault of ours."""

import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.http import require_POST

from accounts.signin.form_limits import refuse
from infra import outages
from xrouter_site import urls
from xrouter_site.urls import handler400, handler404, handler500  # noqa: F401  # Django reads them

LANGUAGES = ("ru", "en")
CYRILLIC = re.compile("[А-Яа-яЁё]+")


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


def loses_the_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused")


def denies(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("no words of the exception")


def refuses(request: HttpRequest) -> HttpResponse:
    return refuse(request, 30)


urlpatterns = [
    path("breaks/", breaks),
    path("v1/breaks", breaks),
    path("api/breaks", breaks),
    path("away/", loses_the_database),
    path("v1/away", loses_the_database),
    path("denies/", denies),
    path("refuses/", refuses),
    path("form/", require_POST(refuses)),
    *urls.urlpatterns,
]
pytestmark = pytest.mark.urls(__name__)


def visitor(language: str, *, enforce_csrf_checks: bool = False) -> Client:
    return Client(
        raise_request_exception=False,
        enforce_csrf_checks=enforce_csrf_checks,
        headers={"accept-language": language},
    )


@pytest.fixture(autouse=True)
def _support(settings):
    settings.SUPPORT_EMAIL = "help@example.ru"
    settings.SUPPORT_TELEGRAM = "https://t.me/example"
    settings.SUPPORT_ISSUES_URL = "https://github.com/example/xrouter/issues"


def faults(language: str) -> dict[int | str, Any]:
    """Return every page of errors as it is met."""
    client = visitor(language)
    return {
        400: client.get("/models/", headers={"host": "evil.example"}),
        403: client.get("/denies/"),
        "csrf": visitor(language, enforce_csrf_checks=True).post("/language/", {"language": "en"}),
        404: client.get("/no/such/page"),
        405: client.get("/form/"),
        429: client.post("/refuses/"),
        500: client.get("/breaks/"),
        503: client.get("/away/"),
    }


NUMBERS = (400, 403, 404, 405, 429, 500, 503)
STATUSES: dict[int | str, int] = {number: number for number in NUMBERS} | {"csrf": 403}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", STATUSES)
def test_a_page_of_an_error_is_whole_without_a_database(fault, language):
    response = faults(language)[fault]
    page = response.content.decode()
    assert response.status_code == STATUSES[fault]
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}">' in page
    assert page.count("<h1") == 1
    assert response.headers["X-Request-ID"] in page
    for address in ("help@example.ru", "https://t.me/example", "/xrouter/issues"):
        assert address in page


@pytest.mark.parametrize("fault", STATUSES)
def test_an_error_in_english_has_no_cyrillic(fault):
    page = faults("en")[fault].content.decode()
    assert set(CYRILLIC.findall(page)) == {"Русский"}


@pytest.mark.parametrize("fault", STATUSES)
def test_an_error_in_russian_is_translated(fault):
    heading = re.search(r"<h1>(.+?)</h1>", faults("ru")[fault].content.decode())
    assert heading
    assert CYRILLIC.search(heading[1])


@pytest.mark.parametrize("fault", STATUSES)
def test_an_error_may_not_be_framed_nor_run_foreign_scripts(fault):
    headers = faults("ru")[fault].headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_an_error_page_tells_nothing_of_the_program():
    for response in faults("en").values():
        page = response.content.decode()
        assert "Traceback" not in page
        assert "no words of the exception" not in page
        assert "a fault of ours" not in page


def test_a_page_of_a_wrong_method_names_the_right_one():
    assert faults("en")[405].headers["Allow"] == "POST"
    assert not visitor("en").head("/form/").content


def test_an_outage_of_the_database_is_told_once_however_many_ask(monkeypatch, caplog):
    monkeypatch.setattr(outages, "database", outages.Outage("The database"))
    client = visitor("en")
    for _ in range(3):
        assert client.get("/away/").headers["Retry-After"] == "5"
        answer = client.get("/v1/away")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
    [line] = [record.getMessage() for record in caplog.records if record.levelname != "INFO"]
    assert line == "The database is away: connection refused"


def test_a_foreign_host_is_shown_the_way_to_the_real_one(settings):
    page = faults("ru")[400].content.decode()
    assert f'href="{settings.PUBLIC_URL}"' in page
    assert "evil.example" not in page


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code"),
    [
        ("/v1/no-such-path", {}, 404, "not_found"),
        ("/api/v1/no-such-path", {}, 404, 404),
        ("/api/no-such-path", {}, 404, "not_found"),
        ("/v1/models", {"host": "evil.example"}, 400, "invalid_request"),
        ("/v1/breaks", {}, 500, "internal_error"),
        ("/api/breaks", {}, 500, "internal_error"),
    ],
)
def test_a_program_is_told_in_json(request_line, headers, status, code):
    response = visitor("ru").get(request_line, headers=headers)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["error"]["code"] == code
    assert response.headers["X-Request-ID"]


def test_too_many_attempts_say_when_to_come_again():
    response = faults("ru")[429]
    assert response.headers["Retry-After"] == "30"


def test_a_given_number_of_the_request_is_the_one_shown():
    response = visitor("en").get("/no/such/page", headers={"x-request-id": "my-own-number"})
    assert '<code id="request-id">my-own-number</code>' in response.content.decode()


def test_a_hostile_address_is_shown_as_text():
    page = visitor("en").get('/no/"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page


def test_support_that_is_not_set_is_not_shown(settings):
    settings.SUPPORT_EMAIL = settings.SUPPORT_TELEGRAM = settings.SUPPORT_ISSUES_URL = ""
    page = visitor("en").get("/no/such/page").content.decode()
    assert "mailto:" not in page
    assert "Telegram" not in page
    assert "Write to the operator" in page
