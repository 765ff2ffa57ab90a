"""Every list of the operators' desk: few queries whatever its length, and a file for spreadsheets."""

import csv
import io
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.accounts.operators import seat
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.django_db
MOST_QUERIES = 10


@pytest.fixture
def operator_client() -> Client:
    operator = User.objects.create_superuser("operator@example.ru", "a long password of theirs")
    return seat(Client(headers={"accept-language": "en"}), operator)


@pytest.fixture
def busy() -> None:
    """Make accounts with a generation and entries each."""
    for _ in range(12):
        settle_one(end(hold_one(ask(payer(open_account(CREDIT)), CREDIT)), CREDIT // 2))


LISTS = sorted(
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for model in admin.site._registry
)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_few_queries_and_is_sent_as_a_file(
    operator_client: Client, busy: None, path: str
):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = operator_client.get(path)
    assert page.status_code == 200
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:90] for query in queries)
    assert "_csv=1" in page.content.decode()

    sent = operator_client.get(path, {"_csv": "1"})
    assert sent.headers["Content-Disposition"].endswith('.csv"')
    text = sent.getvalue().decode()
    assert text.startswith("\ufeff")
    table: list[Any] = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
    assert {len(row) for row in table} == {len(table[0])}
    assert len(table) == 1 + page.context["cl"].result_count


def test_a_file_has_the_rows_that_the_filters_leave(operator_client: Client, busy: None):
    path = reverse("admin:billing_ledgerentry_changelist")
    sent = operator_client.get(path, {"_csv": "1", "kind__exact": "top_up"}).getvalue().decode()
    assert len(sent.splitlines()) == 13
    assert "charge" not in sent
    assert "₽" not in sent  # amounts are numbers, which a spreadsheet adds up
