"""Every list of the operators' desk: few queries whatever its length, and a file for spreadsheets."""

import csv
import io
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import DateTimeField, IntegerField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oauth2_provider.models import AccessToken

from accounts.keys import issuing
from accounts.keys.key_format import digest_of
from accounts.models import Account, User
from billing.models import CreditAccount, Generation
from infra.moscow_time import moscow_day
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.operators import seat
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one
from tests.billing.usage_rows import ago
from tests.gateway.customers import a_key, a_request, customer

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


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_leads_to_the_whole_list_and_says_what_helps(
    operator_client: Client,
):
    def search_long(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "billing_generation" in sql and "rare" in (params or ()):
            # In one query, so that its failure undoes the setting: the pool deals this connection again.
            sql, params = "SET statement_timeout = '10ms'; SELECT pg_sleep(9)", None
        return execute(sql, params, many, context)

    path = reverse("admin:billing_generation_changelist")
    with connection.execute_wrapper(search_long):
        answer = operator_client.get(path, {"model": "rare"}, follow=True)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("5s",)
    assert answer.redirect_chain == [(f"{path}?e=1", 302)]
    assert "The list is too long for that: choose days too." in answer.content.decode()


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


NONSENSE = (
    *({name: value} for name in ("q", "id__in", "p", "o") for value in ("9" * 30, "9" * 5000, "x")),
    *(
        {name: value}
        for name in ("since", "until")
        for value in ("yesterday", "999999999999-01-01")
    ),
    *({"since": "9999-12-31"}, {"until": "0001-01-01"}, {"nothing": "x"}, {"e": "1", "since": "x"}),
)
MOMENTS = ("0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00", "999999999999-01-01", "٢٠٢٦")


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.model_name)
def test_a_list_takes_whatever_its_address_asks_for(operator_client: Client, model: Any):
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    asked: list[dict[str, str]] = list(NONSENSE)
    for field in model._meta.fields:
        if isinstance(field, DateTimeField):
            asked += [{f"{field.name}__{part}": "9" * 12} for part in ("year", "month", "day")]
            asked += [{f"{field.name}__year": year} for year in ("0", "9999", "10000")]
            asked += [{f"{field.name}__gte": moment} for moment in MOMENTS]
        elif isinstance(field, IntegerField):
            asked.append({field.name: "9" * 30})
    for query in asked:
        for more in ({}, {"_csv": "1"}):
            with transaction.atomic():  # as each request has a connection that works
                answer = operator_client.get(path, query | more)
                assert answer.status_code in {200, 302}, query
                answer.getvalue()  # a file is read while it is sent
                transaction.set_rollback(True)
    for query in ({"q": "\0"}, {"\0": "x"}, {"account__name": "\0"}):
        assert operator_client.get(path, query).status_code == 400
    for chosen in ("\0", "x", "9" * 5000):
        act = {"action": "delete_selected", "_selected_action": chosen, "index": "0"}
        with transaction.atomic():
            assert operator_client.post(path, act).status_code in {200, 302, 400, 403}
            transaction.set_rollback(True)


@pytest.mark.both_stores
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ИВАН", ["Иван & Ко_100%"]),
        ("коля", ["Коля"]),
        ("ко", ["Иван & Ко_100%", "Коля"]),
        ("ко_1", ["Иван & Ко_100%"]),
        ("0%", ["Иван & Ко_100%"]),
        ("и%н", []),
        ("\\", []),
    ],
)
def test_a_search_finds_russian_words_in_any_case(
    operator_client: Client, asked: str, found: list[str]
):
    for name in ("Иван & Ко_100%", "Коля"):
        Account.objects.create(owner=User.objects.get(), name=name)
    page = operator_client.get(reverse("admin:accounts_account_changelist"), {"q": asked})
    assert sorted(account.name for account in page.context["cl"].result_list) == found


@pytest.mark.both_stores
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.model_name)
def test_no_page_is_found_by_a_number_that_no_column_holds(operator_client: Client, model: Any):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for page in ("change", "delete"):
        answer = operator_client.get(reverse(f"{name}_{page}", args=["9" * 20]))
        assert answer.status_code in {302, 403}, page


@pytest.mark.both_stores
@pytest.mark.parametrize("lookup", ["email__regex", "email__iregex", "date_joined__year__regex"])
def test_a_list_is_asked_by_no_regular_expression(operator_client: Client, lookup: str):
    path = reverse("admin:accounts_user_changelist")
    for more in ({}, {"_csv": "1"}):
        for pattern in ("(", "o"):
            assert operator_client.get(path, {lookup: pattern} | more).status_code == 400


@pytest.mark.parametrize("path", ["\0/", "gateway/route/\0/change/", "customers/?q=%00", "r/\0/1/"])
def test_an_address_with_a_zero_byte_is_refused(operator_client: Client, path: str):
    assert operator_client.get(f"/admin/{path}").status_code == 400


def test_a_list_is_narrowed_to_days_of_moscow_s(operator_client: Client):
    account = open_account(CREDIT)
    for at in ("2026-03-01T20:59:59Z", "2026-03-01T21:00:00Z", "2026-03-02T20:59:59Z"):
        key, _raw = issuing.issue(account=account, user=account.owner, name=at)
        type(key).objects.filter(pk=key.pk).update(created_at=at)
    path = reverse("admin:accounts_apikey_changelist")
    for query, found in (
        ({"since": "2026-03-02", "until": "2026-03-02"}, 2),
        ({"until": "2026-03-01"}, 1),
        ({"since": "2026-03-03"}, 0),
        ({"since": "2026-03-01", "q": "20:59"}, 2),
    ):
        page = operator_client.get(path, query)
        assert page.context["cl"].result_count == found
        sent = operator_client.get(path, query | {"_csv": "1"}).getvalue().decode()
        assert len(sent.splitlines()) == 1 + found
    page = operator_client.get(path, {"since": "2026-03-02", "disabled__exact": "0"})
    text = page.content.decode()
    assert "2 Mar 2026 –" in text
    assert '<input type="hidden" name="disabled__exact" value="0">' in text


def test_generations_are_found_by_their_outcome_model_and_day(operator_client: Client):
    key = a_key(customer(Client(), roubles=100))
    a_request(key)
    a_request(key, at=ago(days=3), error_code="provider_error")
    path = reverse("admin:billing_generation_changelist")
    model = Generation.objects.values_list("model_id", flat=True)[0]
    days_ago = moscow_day(ago(days=3)).isoformat()
    for query, found in (
        ({}, 2),
        ({"outcome": "failed"}, 1),
        ({"outcome": "answered"}, 1),
        ({"outcome": "cancelled"}, 0),
        ({"outcome": "\u0660"}, 2),
        ({"since": days_ago, "until": days_ago}, 1),
        ({"since": days_ago}, 2),
        ({"model": model, "is_test__exact": "0"}, 2),
        ({"model": "nothing"}, 0),
    ):
        assert operator_client.get(path, query).context["cl"].result_count == found, query


def test_balances_are_found_by_their_sign_and_tokens_by_their_life(operator_client: Client):
    for nano in (-CREDIT, 0, CREDIT, 2 * CREDIT):
        account = open_account(CREDIT)
        CreditAccount.objects.filter(account=account).update(
            posted_nano=nano, debt_nano=max(-nano, 0)
        )
    app = new_app()
    ended, _live = (app.token(person()) for _ in range(2))
    AccessToken.objects.filter(token_checksum=digest_of(ended)).update(expires=ago(days=1))
    for model, query, found in (
        ("billing_creditaccount", {"sign": "below"}, 1),
        ("billing_creditaccount", {"sign": "zero"}, 1),
        ("billing_creditaccount", {"sign": "above"}, 2),
        ("billing_creditaccount", {"sign": "x"}, 4),
        ("accounts_oauthtoken", {"state": "works"}, 1),
        ("accounts_oauthtoken", {"state": "ended"}, 1),
        ("accounts_oauthtoken", {"state": "x"}, 2),
        ("billing_paymentrefund", {"booked": "no"}, 0),
    ):
        path = reverse(f"admin:{model}_changelist")
        assert operator_client.get(path, query).context["cl"].result_count == found, (model, query)


def test_a_file_has_the_rows_that_the_filters_leave(operator_client: Client, busy: None):
    path = reverse("admin:billing_ledgerentry_changelist")
    sent = operator_client.get(path, {"_csv": "1", "kind__exact": "top_up"}).getvalue().decode()
    assert len(sent.splitlines()) == 13
    assert "charge" not in sent
    assert "₽" not in sent  # amounts are numbers, which a spreadsheet adds up
