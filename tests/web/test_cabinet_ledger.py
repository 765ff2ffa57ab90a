"""The cabinet's ledger: every movement in words, page by page, and as a table that is safe to open."""

import csv

import pytest
from django.test import Client

from billing.ledger import ledger
from gateway.api.retries.answer_once import ANSWER_LOST
from tests.billing.conftest import _books_add_up  # noqa: F401 -- an audit after each test
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, pay_in, payer, settle_one
from tests.billing.visitors import streamed, text_of, visitor

pytestmark = pytest.mark.django_db

PAGE, LEDGER = "/cabinet/billing/", "/cabinet/billing/ledger/"


@pytest.fixture
def account():
    return open_account()


@pytest.fixture
def client(account) -> Client:
    return visitor(account)


def test_the_ledger_names_each_movement_and_its_request(account, client):
    pay_in(account, 10 * CREDIT, reason="YooKassa")
    held = hold_one(ask(payer(account), 2 * CREDIT))
    settle_one(end(held, CREDIT))
    ledger.adjust(account.pk, 5, reason="<b>thanks</b>", actor_id=None)
    answer = client.get(LEDGER)
    text = text_of(answer)
    assert "Adjustment <b>thanks</b> 0.000000005 ₽ 9.000000005 ₽" in text
    assert "<b>thanks" not in answer.content.decode()
    assert f"/cabinet/generations/gen-{held.generation_id.hex}/" in answer.content.decode()
    assert "−1.00 ₽ 9.00 ₽" in text
    assert "Top-up YooKassa 10.00 ₽ 10.00 ₽" in text


def test_what_was_borne_for_an_account_is_explained_in_its_language(account):
    pay_in(account, CREDIT)
    settle_one(end(hold_one(ask(payer(account), CREDIT)), 3 * CREDIT))
    english = text_of(visitor(account).get(LEDGER))
    assert "Write-off The answer cost more than was available." in english
    russian = text_of(visitor(account, language="ru").get(LEDGER))
    assert "Ответ стоил больше, чем было на балансе." in russian


def test_what_a_lost_answer_cost_is_given_back_in_the_words_of_its_reader(account):
    pay_in(account, CREDIT)
    held = hold_one(ask(payer(account), CREDIT))
    settle_one(end(held, CREDIT))
    ledger.refund(held.generation_id, reason=ANSWER_LOST, actor_id=None)
    assert "Ответ пропал вместе с процессом" in text_of(visitor(account, language="ru").get(LEDGER))


def test_the_ledger_is_read_page_by_page_to_its_end(account, client):
    for number in range(1, 121):
        ledger.adjust(account.pk, number, reason=f"no. {number}.", actor_id=None)
    ledger.adjust(open_account().pk, CREDIT, reason="of another", actor_id=None)
    seen, page = [], LEDGER
    while page:
        answer = client.get(page)
        seen += [line.entry.amount_nano for line in answer.context["lines"]]
        before = answer.context["next_before"]
        page = f"{LEDGER}?before={before}" if before else ""
    assert seen == list(range(120, 0, -1))


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "٥", "9" * 19, "9" * 99])
def test_a_page_that_cannot_be_is_not_found(client, before):
    assert client.get(LEDGER, {"before": before}).status_code == 404


def test_the_csv_of_the_ledger_is_whole_and_has_no_formulas(account, client, monkeypatch):
    monkeypatch.setattr("web.cabinet.ledger._CSV_BATCH", 2)
    pay_in(account, 10 * CREDIT, reason="YooKassa")
    held = hold_one(ask(payer(account), CREDIT))
    settle_one(end(held, CREDIT))
    for reason in ("=1+1", "@sum", '"quoted", and\nbroken'):
        ledger.adjust(account.pk, 1, reason=reason, actor_id=None)
    ledger.adjust(open_account().pk, CREDIT, reason="of another", actor_id=None)
    answer = client.get(LEDGER, {"format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(body.splitlines(keepends=True), delimiter=";"))
    assert [row["reason"] for row in rows] == [
        '"quoted", and\nbroken',
        "'@sum",
        "'=1+1",
        "",
        "YooKassa",
    ]
    assert [row["amount"] for row in rows] == ["0,000000001"] * 3 + ["-1", "10"]
    assert rows[3]["generation"] == f"gen-{held.generation_id.hex}"
    assert rows[0]["balance"] == "9,000000003"
    assert rows[0]["date"].endswith("+03:00")


def test_the_csv_of_an_empty_ledger_is_its_head(client):
    answer = client.get(LEDGER, {"format": "csv"})
    assert list(streamed(answer)) == ["\ufeffdate;kind;reason;generation;payment;amount;balance"]


def test_pages_of_money_are_kept_by_nobody(client):
    for path in (PAGE, LEDGER, "/cabinet/usage/"):
        assert "no-store" in client.get(path).headers["Cache-Control"]


@pytest.mark.parametrize("path", [PAGE, LEDGER])
def test_the_pages_speak_russian_first(account, path):
    pay_in(account, CREDIT, reason="YooKassa")
    assert "Пополнение YooKassa 1,00 ₽ 1,00 ₽" in text_of(visitor(account, language="ru").get(path))
