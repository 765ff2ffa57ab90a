"""GET /v1/activity: whose rows, of which days, in which form."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.test import RequestFactory
from django.utils import timezone

from accounts.keys import issuing
from billing.ledger import ledger
from billing.models import ProcessLease
from billing.usage import aggregation
from gateway.api.endpoints.activity import ActivityView
from infra.moscow_time import moscow_day
from infra.spreadsheet import csv_cell
from tests.accounts.people import new_key
from tests.billing.payers import CREDIT, PROCESS, payer
from tests.billing.usage_rows import ago, use

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture
def caller():
    """Return a key, and its raw text, of an account that used something three days long."""
    ProcessLease.objects.create(process_id=PROCESS, renewed_at=Now())
    key, raw = new_key()
    ledger.top_up(key.account_id, 100 * CREDIT, payment_id="payment")
    for days in (0, 1, 2):
        facts = {"tokens_prompt": 10, "tokens_completion": 2}
        use(payer(key.account, key_id=key.pk), ago(days=days), CREDIT + 1, **facts)
    return key, raw


def ask(raw, **query):
    request = RequestFactory().get(
        "/v1/activity", query, headers={"Authorization": f"Bearer {raw}"}
    )
    return ActivityView.as_view()(request)


def rows(raw, **query):
    answer = ask(raw, **query)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content, parse_float=Decimal)["data"]


def day(days_ago):
    return moscow_day(ago(days=days_ago)).isoformat()


@pytest.mark.parametrize("is_counted", [False, True])
def test_rows_come_newest_first_with_their_exact_cost(caller, is_counted):
    if is_counted:
        aggregation.aggregate()
    assert rows(caller[1]) == [
        {
            "date": day(days),
            "model": "gigachat-pro",
            "key": "shell",
            "requests": 1,
            "tokens_prompt": 10,
            "tokens_completion": 2,
            "usage": Decimal("1.000000001"),
        }
        for days in (0, 1, 2)
    ]


def test_any_key_of_the_account_sees_all_its_keys(caller):
    key, raw = caller
    other, other_raw = issuing.issue(account=key.account, user=key.account.owner, name="cron")
    use(payer(key.account, key_id=other.pk), timezone.now())
    assert {row["key"] for row in rows(raw)} == {"shell", "cron"}
    assert rows(raw) == rows(other_raw)


def test_another_account_sees_nothing_of_it(caller):
    assert rows(new_key("pierre@example.ru")[1]) == []


def test_since_and_until_are_included(caller):
    _, raw = caller
    assert [row["date"] for row in rows(raw, since=day(1))] == [day(0), day(1)]
    assert [row["date"] for row in rows(raw, until=day(1))] == [day(1), day(2)]
    assert [row["date"] for row in rows(raw, since=day(1), until=day(1))] == [day(1)]


def test_the_last_thirty_days_are_the_default(caller):
    key, raw = caller
    use(payer(key.account, key_id=key.pk), ago(days=29))
    use(payer(key.account, key_id=key.pk), ago(days=30))
    assert [row["date"] for row in rows(raw)][-1] == day(29)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-02-30"}, "since"),
        ({"since": "0001-01-01"}, "since"),
        ({"since": "9999-12-31"}, "since"),
        ({"until": "1"}, "until"),
        ({"until": "2026-01-01T00:00:00"}, "until"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "since"),
        ({"since": "2020-01-01", "until": "2026-02-01"}, "since"),
        ({"format": "xml"}, "format"),
    ],
)
def test_what_cannot_be_read_is_named(caller, query, param):
    answer = ask(caller[1], **query)
    error = json.loads(answer.content)["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_parameter", param)


def test_without_a_key_there_is_no_activity():
    answer = ActivityView.as_view()(RequestFactory().get("/v1/activity"))
    assert answer.status_code == 401


def test_the_table_says_the_same(caller):
    key, raw = caller
    issuing.edit(key=key, name="=cmd|'/c calc'!A1")
    answer = ask(raw, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["date"] for row in table] == [day(0), day(1), day(2)]
    assert {row["usage"] for row in table} == {"1.000000001"}
    assert {row["key"] for row in table} == {"'=cmd|'/c calc'!A1"}
    assert {row["requests"] for row in table} == {"1"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start):
    assert csv_cell(f"{start}1") == f"'{start}1"
    assert csv_cell(f"1{start}") == f"1{start}"


def test_a_day_of_a_long_ago_is_no_failure(caller):
    before = dt.date(2001, 1, 1).isoformat()
    assert rows(caller[1], since=before, until=before) == []
