"""The operators' desk: what can be read, what can be done, and what nobody can do."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import AuditEntry
from accounts.models import User
from accounts.users import register
from billing import balances
from billing.generations import public_id
from billing.models import CreditAccount, Generation, LedgerEntry, Price
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.ru", "a long password of theirs")


@pytest.fixture
def desk(operator: User) -> Client:
    return seat(Client(headers={"accept-language": "en"}), operator)


def settled_generation(account):
    hold = hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold, CREDIT // 2))
    return hold.generation_id


def adjust(desk, account, **typed):
    """Open the page, fill its form in, and send it."""
    path = reverse("admin:billing_creditaccount_adjust", args=[account.pk])
    return desk.post(path, fields_of(desk.get(path)) | typed)


def test_an_adjustment_is_an_entry_with_its_operator_and_reason(desk, operator):
    account = open_account(CREDIT)

    answer = adjust(desk, account, amount="-0.25", reason="A test that went wrong.")

    assert answer.status_code == 302
    entry = LedgerEntry.objects.get(kind="adjustment")
    assert (entry.amount_nano, entry.balance_nano) == (-CREDIT // 4, 3 * CREDIT // 4)
    assert (entry.actor, entry.reason) == (operator, "A test that went wrong.")
    told = AuditEntry.objects.get()
    assert (told.actor, told.action, told.reason) == (operator, "adjust", entry.reason)
    assert told.detail == {"entry": entry.pk, "credits": "-0.25"}
    assert LogEntry.objects.filter(user=operator, object_id=str(account.pk)).count() == 1


@pytest.mark.parametrize(
    ("amount", "reason", "complaint"),
    [
        ("1", " ", "Say why."),
        ("-1.5", "Too much.", "That is more than is available."),
        ("9999999999", "Far too much.", "No balance takes such an amount."),
        ("0.0000000001", "Too fine.", "9 decimal places"),
        ("0", "Nothing.", "Zero changes nothing."),
        ("", "No amount.", "required"),
        ("NaN", "No number.", "number"),
    ],
)
def test_an_adjustment_that_cannot_be_moves_nothing(desk, amount, reason, complaint):
    account = open_account(CREDIT)

    answer = adjust(desk, account, amount=amount, reason=reason)

    assert answer.status_code == 422
    assert complaint in answer.content.decode()
    assert 'value="' + amount in answer.content.decode()
    assert balances.exact(account.pk).posted_nano == CREDIT
    assert not AuditEntry.objects.exists()


def test_a_form_sent_twice_adjusts_once_and_says_so(desk):
    account = open_account(CREDIT)
    path = reverse("admin:billing_creditaccount_adjust", args=[account.pk])
    form = fields_of(desk.get(path)) | {"amount": "1", "reason": "A present."}

    first, second = (desk.post(path, form) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 422)
    assert "perhaps this very adjustment" in second.content.decode()
    assert balances.exact(account.pk).posted_nano == 2 * CREDIT
    assert desk.post(path, fields_of(second)).status_code == 302
    assert balances.exact(account.pk).posted_nano == 3 * CREDIT


def test_a_new_person_who_never_paid_can_be_given_credits(desk):
    account = register(email="new@example.ru")
    desk.defaults["HTTP_ACCEPT_LANGUAGE"] = "ru"  # where a comma stands before the kopecks
    assert adjust(desk, account, amount="10,5", reason="С почином").status_code == 302
    assert adjust(desk, account, amount="0.25", reason="И ещё").status_code == 302
    assert balances.exact(account.pk).posted_nano == 10 * CREDIT + 3 * CREDIT // 4


def test_the_action_leads_to_the_page_with_the_reason_typed(desk):
    account, other = open_account(CREDIT), open_account(CREDIT)
    path = reverse("admin:billing_creditaccount_changelist")
    form = {"action": "adjust", "_selected_action": [account.pk], "reason": "A gift"}
    page = desk.post(path, form, follow=True)
    assert page.redirect_chain[-1][0].endswith(f"/{account.pk}/adjust/?reason=A+gift")
    assert "A gift" in page.content.decode()
    page = desk.post(path, form | {"_selected_action": [account.pk, other.pk]}, follow=True)
    assert "Choose one account." in page.content.decode()


def test_who_may_only_look_at_balances_adjusts_none(operator):
    account = open_account(CREDIT)
    helper = User.objects.create_user("helper@example.ru")
    User.objects.filter(pk=helper.pk).update(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_creditaccount"))
    client = seat(Client(), helper)
    path = reverse("admin:billing_creditaccount_adjust", args=[account.pk])
    assert client.get(reverse("admin:billing_creditaccount_changelist")).status_code == 200
    form = {"seen": 0, "amount": "1", "reason": "Mine."}
    assert (client.get(path).status_code, client.post(path, form).status_code) == (403, 403)
    assert Client().post(path, form).status_code == 302
    assert balances.exact(account.pk).posted_nano == CREDIT


@pytest.mark.parametrize("model", [LedgerEntry, Generation, CreditAccount])
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


@pytest.mark.parametrize("model", [LedgerEntry, Generation])
def test_what_is_long_is_found_by_what_has_an_index(desk, model):
    account, other = open_account(CREDIT), open_account(CREDIT)
    settled_generation(account)
    path = reverse(f"admin:billing_{model._meta.model_name}_changelist")
    number = model.objects.filter(account=account).count()
    for term in (str(account.pk), f" {account.owner.email.upper()} "):
        found = desk.get(path, {"q": term}).context["cl"].queryset
        assert {row.account_id for row in found} == {account.pk}
        assert found.count() == number
    for term in ("nobody@example.ru", "gen-1", "0" * 30, "9" * 30, "٣", "' OR 1=1"):
        assert not desk.get(path, {"q": term}).context["cl"].queryset.exists()
    assert model.objects.filter(account=other).count() < number


def test_a_price_without_a_moment_holds_from_now_on(desk):
    path = reverse("admin:billing_price_add")
    form = {"model_id": "a-model", "prompt_nano": 7, "completion_nano": 7, "cached_nano": 0}
    before = timezone.now()
    assert desk.post(path, form).status_code == 302
    price = Price.objects.get(model_id="a-model")
    assert before <= price.valid_from <= timezone.now()
    past = form | {"valid_from_0": "2020-01-01", "valid_from_1": "00:00"}
    assert "This moment has passed" in desk.post(path, past).content.decode()


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
