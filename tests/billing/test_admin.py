"""The operators' desk: what can be read, what can be done, and what nobody can do."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing import balances
from billing.generations import public_id
from billing.models import CreditAccount, Generation, LedgerEntry, Price
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.ru", "a long password of theirs")


@pytest.fixture
def desk(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def settled_generation(account):
    hold = hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold, CREDIT // 2))
    return hold.generation_id


def adjust(desk, account, **fields):
    path = reverse("admin:billing_creditaccount_change", args=[account.pk])
    return desk.post(path, fields, follow=True)


def test_an_adjustment_is_an_entry_with_its_operator_and_reason(desk, operator):
    account = open_account(CREDIT)

    adjust(desk, account, credit_amount="-0.25", reason="A test that went wrong.")

    entry = LedgerEntry.objects.get(kind="adjustment")
    assert (entry.amount_nano, entry.balance_nano) == (-CREDIT // 4, 3 * CREDIT // 4)
    assert (entry.actor, entry.reason) == (operator, "A test that went wrong.")
    assert LogEntry.objects.filter(user=operator, object_id=str(account.pk)).count() == 1


@pytest.mark.parametrize(
    ("amount", "reason", "complaint"),
    [
        ("1", " ", "Say why."),
        ("-1.5", "Too much.", "That is more than is available."),
        ("9999999999", "Far too much.", "is no amount of credits"),
        ("0.0000000001", "Too fine.", "9"),
        ("NaN", "No number.", ""),
    ],
)
def test_an_adjustment_that_cannot_be_moves_nothing(desk, amount, reason, complaint):
    account = open_account(CREDIT)

    answer = adjust(desk, account, credit_amount=amount, reason=reason)

    assert answer.context["errors"]
    assert complaint in answer.content.decode()
    assert balances.exact(account.pk).posted_nano == CREDIT


def test_saving_a_credit_account_without_an_amount_changes_nothing(desk):
    account = open_account(CREDIT)

    adjust(desk, account, credit_amount="", reason="", posted_nano="5", held_nano="5")

    assert balances.exact(account.pk) == balances.Balance(CREDIT, 0)
    assert not LedgerEntry.objects.filter(kind="adjustment").exists()


@pytest.mark.parametrize("model", [LedgerEntry, Generation])
def test_what_the_ledger_wrote_can_only_be_read(desk, model):
    settled_generation(open_account(CREDIT))
    row = model.objects.first()
    name = model._meta.model_name

    page = desk.get(reverse(f"admin:billing_{name}_change", args=[row.pk]))
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    assert desk.post(reverse(f"admin:billing_{name}_change", args=[row.pk])).status_code == 403
    assert desk.post(reverse(f"admin:billing_{name}_delete", args=[row.pk])).status_code == 403
    assert desk.get(reverse(f"admin:billing_{name}_add")).status_code == 403


@pytest.mark.parametrize("model", [LedgerEntry, Generation, CreditAccount])
def test_long_tables_are_never_counted_whole(desk, model):
    account = open_account(CREDIT)
    settled_generation(account)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = desk.get(reverse(f"admin:billing_{model._meta.model_name}_changelist"))

    assert page.status_code == 200
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_a_generation_is_found_by_its_public_id(desk):
    account = open_account(2 * CREDIT)
    wanted, other = settled_generation(account), settled_generation(account)

    page = desk.get(reverse("admin:billing_generation_changelist"), {"q": public_id(wanted)})

    assert public_id(wanted) in page.content.decode()
    assert public_id(other) not in page.content.decode()


def test_a_price_can_be_dated_ahead_and_changed_until_it_is_in_force(desk):
    now = timezone.now()
    past, future = (
        Price.objects.create(
            model_id="a-model",
            valid_from=now + dt.timedelta(days=days),
            prompt_nano=1,
            completion_nano=1,
            cached_nano=0,
        )
        for days in (-1, 1)
    )
    change = {"model_id": "a-model", "prompt_nano": 7, "completion_nano": 7, "cached_nano": 7}
    change |= {"valid_from_0": "2100-01-01", "valid_from_1": "00:00:00"}

    refused, done = (
        desk.post(reverse("admin:billing_price_change", args=[price.pk]), change)
        for price in (past, future)
    )

    assert (refused.status_code, done.status_code) == (403, 302)
    assert list(Price.objects.order_by("pk").values_list("prompt_nano", flat=True))[-2:] == [1, 7]
    assert desk.post(reverse("admin:billing_price_delete", args=[past.pk])).status_code == 403


def test_holds_leases_and_spending_are_on_no_desk():
    registered = {
        model.__name__ for model in admin.site._registry if model._meta.app_label == "billing"
    }
    assert registered == {"LedgerEntry", "Generation", "CreditAccount", "Price", "UpstreamPrice"}
