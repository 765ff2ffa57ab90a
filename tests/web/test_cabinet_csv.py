"""The lists of the cabinet as files for spreadsheets: all rows, in the words of the page, safe to open."""

import csv

import pytest
from django.test import Client

from accounts.keys import issuing
from accounts.security import events
from accounts.security.models import Signal
from accounts.users import own_account
from billing.models import Payment
from infra.credits import NANO_PER_CREDIT as CREDIT
from tests.accounts.oauth_clients import DEVELOPER, browser_of, new_app, person
from tests.accounts.people import new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]
FORMULA = "=HYPERLINK(1)"
LISTS = {
    "/cabinet/keys/?format=csv": "Название;Ключ;Состояние",
    "/cabinet/keys/?list=revoked&format=csv": "Название;Ключ;Состояние",
    "/cabinet/billing/?format=csv": "Дата;Платёж;Сумма;Состояние",
    "/cabinet/security/?format=csv": "Дата;Событие;Ключ;Что замечено;Состояние",
    "/cabinet/security/?list=sessions&format=csv": "Устройство;Сеть",
    "/cabinet/apps/?format=csv": "Название;Вид;Люди;Идентификатор клиента",
    "/cabinet/connections/?format=csv": "Название;Состояние",
    "/cabinet/billing/ledger/?format=csv": "date;",
    "/cabinet/usage/?format=csv": "date;",
    "/cabinet/generations/?format=csv": "time;",
}


@pytest.fixture
def natasha() -> Client:
    return browser_of(person(), headers={"accept-language": "en"})


def rows(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    text = answer.getvalue().decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(text[1:].splitlines(keepends=True), delimiter=";"))


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_a_file_with_the_heads_of_its_language(path: str):
    russian, english = (
        browser_of(person(), headers={"accept-language": code}).get(path).getvalue().decode()
        for code in ("ru", "en")
    )
    assert russian.startswith(f"\ufeff{LISTS[path]}")
    assert russian.split("\r\n")[0].count(";") == english.split("\r\n")[0].count(";")
    assert english.split("\r\n")[0].removeprefix("\ufeff").isascii()
    assert Client().get(path).status_code == 302


def test_the_files_of_keys_have_the_keys_of_all_pages_of_their_list(natasha: Client, monkeypatch):
    monkeypatch.setattr("web.cabinet.keys.KEYS_ON_A_PAGE", 1)
    account = own_account(person())
    bounded, _raw = issuing.issue(
        account=account, user=person(), name=FORMULA, limit_nano=CREDIT // 2, limit_reset="daily"
    )
    new_key()
    issuing.revoke(key=new_key()[0])
    new_key("boris@example.ru")
    shown = natasha.get("/cabinet/keys/").content.decode()
    assert 'href="?format=csv" download' in shown
    found = rows(natasha, "/cabinet/keys/?format=csv")
    assert len(found) == 2
    [line] = [row for row in found if row["Key"] == str(bounded)]
    assert line["Name"] == f"'{FORMULA}"
    assert line["State"] == "works"
    assert line["Spent today"] == "0"
    assert line["Limits"] == "0.00 ₽ of 0.50 ₽ today"
    assert line["Created"].endswith("+03:00")
    revoked = natasha.get("/cabinet/keys/?list=revoked").content.decode()
    assert 'href="?list=revoked&amp;format=csv" download' in revoked
    assert [row["State"] for row in rows(natasha, "/cabinet/keys/?list=revoked&format=csv")] == [
        "revoked"
    ]


def test_the_file_of_payments_has_all_of_them_and_amounts_as_numbers(natasha: Client):
    for number in range(12):
        Payment.objects.create(
            account=own_account(person()),
            amount_nano=CREDIT + CREDIT // 4,
            status="pending" if number else "canceled",
            provider_id=f"payment-{number}",
        )
    assert 'href="?format=csv" download' in natasha.get("/cabinet/billing/").content.decode()
    found = rows(natasha, "/cabinet/billing/?format=csv")
    assert [row["Payment"] for row in found] == [f"payment-{n}" for n in reversed(range(12))]
    assert {row["Amount"] for row in found} == {"1,25"}
    assert [row["State"] for row in found] == ["on its way"] * 11 + ["cancelled"]


def test_the_files_of_security_have_events_and_sessions(natasha: Client):
    key, _raw = new_key()
    networks = {"networks": [f"198.51.{number}.0/24" for number in range(6)]}
    events.raise_event(Signal.MANY_NETWORKS, key_id=key.pk, evidence=networks)
    other = browser_of(person(), headers={"user-agent": "Firefox/140.0 Windows"})
    other.get("/cabinet/security/")
    shown = natasha.get("/cabinet/security/").content.decode()
    assert 'href="?format=csv" download' in shown
    assert 'href="?list=sessions&amp;format=csv" download' in shown
    [event] = rows(natasha, "/cabinet/security/?format=csv")
    assert (event["Key"], event["State"]) == (str(key), "open")
    assert "198.51.5.0/24" in event["What was noticed"]
    sessions = rows(natasha, "/cabinet/security/?list=sessions&format=csv")
    assert [row["State"] for row in sessions] == ["this one", ""]
    assert sessions[1]["Device"] == "Firefox, Windows"


def test_the_files_of_applications_and_connections_are_safe_to_open(natasha: Client):
    app = new_app(name="@sum")
    app.token(person())
    developer = browser_of(person(DEVELOPER), headers={"accept-language": "en"})
    assert 'href="?format=csv" download' in developer.get("/cabinet/apps/").content.decode()
    [mine] = rows(developer, "/cabinet/apps/?format=csv")
    assert (mine["Name"], mine["People"]) == ("'@sum", "1")
    assert mine["Client ID"] == app.application.client_id
    assert mine["Kind"] in {"public", "confidential"}
    assert 'href="?format=csv" download' in natasha.get("/cabinet/connections/").content.decode()
    [connection] = rows(natasha, "/cabinet/connections/?format=csv")
    assert (connection["Name"], connection["State"]) == ("'@sum", "let in")
    assert connection["Allowed"]
    assert rows(natasha, "/cabinet/apps/?format=csv") == []
