"""The cabinet's page of usage: whose, of which days, by what, and as a table that is safe to open."""

import csv
import datetime as dt
import io
import re

import pytest
from django.test import Client

from accounts.keys import issuing
from infra.moscow_time import moscow_day
from tests.billing.conftest import _books_add_up  # noqa: F401 -- an audit after each test
from tests.billing.payers import CREDIT, open_account, payer
from tests.billing.usage_rows import ago, use
from tests.billing.visitors import text_of, visitor

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

FORMULA = "=cmd|'/c calc'!A1"
IN_FOUR_DIGITS = "Write the year in four digits."
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def account():
    return open_account(100 * CREDIT)


@pytest.fixture
def client(account) -> Client:
    return visitor(account)


def new_key(account, name):
    key, _raw = issuing.issue(account=account, user=account.owner, name=name)
    return key


def spend(account, key, days=0, cost_nano=CREDIT, **facts):
    use(payer(account, key_id=key.pk), ago(days=days), cost_nano, **facts)


def day(days_ago):
    return moscow_day(ago(days=days_ago))


def test_a_stranger_is_sent_to_log_in():
    answer = Client().get("/cabinet/usage/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_an_account_without_requests_is_shown_what_to_do(client):
    answer = client.get("/cabinet/usage/")
    assert "No requests in these days" in text_of(answer)
    assert 'href="/cabinet/playground/"' in answer.content.decode()
    assert "chart.js" not in answer.content.decode()
    assert answer.context["chart"] is None


def test_the_last_thirty_days_are_summed_by_day(account, client):
    key = new_key(account, "shell")
    spend(account, key, 0, 1_500_000_000, tokens_prompt=1000, tokens_completion=234)
    spend(account, key, 0, CREDIT // 4, tokens_prompt=1, tokens_completion=2)
    spend(account, key, 29, CREDIT)
    spend(account, key, 30, 50 * CREDIT)
    answer = client.get("/cabinet/usage/")
    text = text_of(answer)
    assert "Spent 2.75 ₽" in text
    assert "Requests 3" in text
    assert "1,001 in prompts, 236 in answers" in text
    drawn = answer.context["chart"]
    assert drawn.legend == [(1, "gigachat-pro", "2.75\N{NO-BREAK SPACE}₽")]
    assert [bar.address for bar in drawn.bars] == [
        f"/cabinet/generations/?day={day(29 - number)}" for number in range(30)
    ]
    assert [bool(bar.segments) for bar in drawn.bars] == [True, *[False] * 28, True]


def test_a_day_that_a_link_or_dates_name_is_included(account, client):
    key = new_key(account, "shell")
    for days in (0, 6, 7, 89):
        spend(account, key, days)
    assert "Requests 2" in text_of(client.get("/cabinet/usage/?days=7"))
    assert "Requests 4" in text_of(client.get("/cabinet/usage/?days=90"))
    query = {"since": day(7).isoformat(), "until": day(6).isoformat()}
    assert "Requests 2" in text_of(client.get("/cabinet/usage/", query))


def test_a_single_day_is_named_once(account, client):
    query = {"since": day(3).isoformat(), "until": day(3).isoformat()}
    lead = f"Usage {day(3):%-d %B %Y}, Moscow time."
    assert lead in text_of(client.get("/cabinet/usage/", query))


def test_models_and_keys_have_lines_of_their_own_the_dearest_first(account, client):
    cheap, dear = new_key(account, "cheap"), new_key(account, "dear")
    spend(account, cheap, 1, CREDIT)
    spend(account, dear, 2, 3 * CREDIT)
    by_key = client.get("/cabinet/usage/?group=key")
    assert [label for _, label, _ in by_key.context["chart"].legend] == ["dear", "cheap"]
    assert re.search(r"dear 1 0 0 0 3\.00 ₽ cheap 1 0 0 0 1\.00 ₽ In all 2", text_of(by_key))
    by_model = client.get("/cabinet/usage/?group=model")
    assert [label for _, label, _ in by_model.context["chart"].legend] == ["gigachat-pro"]
    assert "gigachat-pro 2 0 0 0 4.00 ₽" in text_of(by_model)


def test_two_keys_of_one_name_are_two_lines(account, client):
    for _ in range(2):
        spend(account, new_key(account, "twin"))
    drawn = client.get("/cabinet/usage/?group=key").context["chart"]
    assert [label for _, label, _ in drawn.legend] == ["twin", "twin"]


def test_what_has_no_line_of_its_own_shares_one(account, client):
    for number in range(1, 10):
        spend(account, new_key(account, f"key {number}"), cost_nano=number * CREDIT)
    legend = client.get("/cabinet/usage/?group=key").context["chart"].legend
    assert [label for _, label, _ in legend] == [*(f"key {n}" for n in range(9, 3, -1)), "Others"]
    assert legend[-1] == (7, "Others", "6.00\N{NO-BREAK SPACE}₽")


@pytest.mark.parametrize(
    ("metric", "sums"),
    [
        ("", ["4.00\N{NO-BREAK SPACE}₽"]),
        ("requests", ["3"]),
        ("tokens", ["1,236"]),
        ("errors", ["1"]),
        ("latency", ["1.50\N{NO-BREAK SPACE}s on average"]),
    ],
)
def test_a_single_day_is_drawn_by_the_hour(account, client, metric, sums):
    key, noon = new_key(account, "shell"), dt.datetime(2026, 3, 5, 9, 30, tzinfo=dt.UTC)
    facts = {"tokens_prompt": 1000, "tokens_completion": 236, "latency_ms": 1000}
    use(payer(account, key_id=key.pk), noon, 3 * CREDIT, **facts)
    use(payer(account, key_id=key.pk), noon, CREDIT, latency_ms=2000)
    use(payer(account, key_id=key.pk), noon, 0, error_code="timeout")
    answer = client.get(f"/cabinet/usage/?since=2026-03-05&until=2026-03-05&metric={metric}")
    drawn = answer.context["chart"]
    assert [total for _, _, total in drawn.legend] == sums
    assert [hour for hour, bar in enumerate(drawn.bars) if bar.segments] == [12]
    assert "data-bar" in answer.content.decode()


def test_how_long_requests_took_is_asked_of_one_day_alone(account, client):
    spend(account, new_key(account, "shell"))
    answer = client.get("/cabinet/usage/?metric=latency")
    assert answer.context["chart"] is None
    assert "choose one day" in text_of(answer)


def test_a_bar_leads_to_the_requests_of_its_day(account, client):
    key = new_key(account, "shell")
    for days in (1, 2, 3):
        spend(account, key, days)
    answer = client.get(client.get("/cabinet/usage/").context["chart"].bars[-3].address)
    [line] = answer.context["lines"]
    assert moscow_day(line.created_at) == day(2)
    assert client.get("/cabinet/generations/?day=9999-12-31").context["lines"] == []


def test_failed_requests_are_counted_apart(account, client):
    spend(account, new_key(account, "shell"), cost_nano=0, error_code="timeout")
    assert "1 of them failed" in text_of(client.get("/cabinet/usage/"))


def test_another_account_sees_nothing_of_it(account):
    spend(account, new_key(account, "shell"))
    other = visitor(open_account())
    assert "No requests in these days" in text_of(other.get("/cabinet/usage/"))
    assert len(other.get("/cabinet/usage/?format=csv").getvalue().decode().splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"since": "yesterday"}, "Enter a valid date."),
        (
            {"since": "2026-02-02", "until": "2026-02-01"},
            "The first day comes before the last one.",
        ),
        ({"since": "2020-01-01", "until": "2026-02-01"}, "A period is 366 days at most."),
        ({"since": "0026-11-03", "until": "2026-12-02"}, IN_FOUR_DIGITS),
        ({"since": "0001-01-01", "until": "0001-01-02"}, IN_FOUR_DIGITS),
        ({"until": "0026-12-02"}, IN_FOUR_DIGITS),
        ({"until": "9999-12-31"}, IN_FOUR_DIGITS),
        ({"group": "account"}, "Select a valid choice."),
        ({"days": "100000"}, "Select a valid choice."),
    ],
)
@pytest.mark.parametrize("form", ["", "csv"])
def test_what_cannot_be_read_is_said_and_the_usual_days_are_shown(client, query, text, form):
    answer = client.get("/cabinet/usage/", query | {"format": form})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("text/html")
    assert text in text_of(answer)


def test_names_that_people_gave_are_inert(account, client):
    for name in (SCRIPT, FORMULA, "{{7*7}}%s{0.__class__}${x}"):
        spend(account, new_key(account, name))
    page = client.get("/cabinet/usage/?group=key").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{7*7}}%s{0.__class__}${x}" in page


def test_the_csv_says_the_same_and_has_no_formulas(account, client):
    key = new_key(account, FORMULA)
    spend(account, key, 1, CREDIT + 1, tokens_prompt=10, tokens_completion=2)
    answer = client.get("/cabinet/usage/?format=csv&days=7")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="usage-')
    text = answer.getvalue().decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text), delimiter=";")
    assert row == {
        "date": day(1).isoformat(),
        "model": "gigachat-pro",
        "key": f"'{FORMULA}",
        "requests": "1",
        "tokens_prompt": "10",
        "tokens_completion": "2",
        "usage": "1,000000001",
    }


def test_the_page_speaks_the_language_of_its_reader(account):
    spend(account, new_key(account, "shell"), 1, 1_234_567_890_000 // 100)
    russian, english = (visitor(account, language=name) for name in ("ru", "en"))
    assert "Потрачено 12,35 ₽" in text_of(russian.get("/cabinet/usage/"))
    assert re.search("[а-яё]", text_of(english.get("/cabinet/usage/")), re.IGNORECASE) is None


def test_a_day_is_moscows(account, client):
    key = new_key(account, "shell")
    late = dt.datetime(2026, 3, 4, 22, 30, tzinfo=dt.UTC)  # half past one of the next day there
    use(payer(account, key_id=key.pk), late, CREDIT)
    answer = client.get("/cabinet/usage/?since=2026-03-05&until=2026-03-05")
    assert "5 March 2026 1" in text_of(answer)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_can_only_be_read(client, method):
    assert getattr(client, method)("/cabinet/usage/").status_code == 405
