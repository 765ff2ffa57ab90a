"""The operators' admin: what can be read, what can be done, and what nobody can do."""

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

from accounts.audit.log import AuditEntry
from accounts.models import User
from accounts.users import register
from billing.ledger import balances
from billing.models import CreditAccount, Generation, LedgerEntry, Price, UpstreamPrice
from billing.usage.generations import public_id
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.django_db
CONFIRM = {"_confirmed": "Set the price"}


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.ru", "a long password of theirs")


@pytest.fixture
def operator_client(operator: User) -> Client:
    return seat(Client(headers={"accept-language": "en"}), operator)


def settled_generation(account):
    hold = hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold, CREDIT // 2))
    return hold.generation_id


def adjust(operator_client, account, **typed):
    """Open the page, fill its form in, and send it."""
    path = reverse("admin:billing_creditaccount_adjust", args=[account.pk])
    return operator_client.post(path, fields_of(operator_client.get(path)) | typed)


def test_an_adjustment_is_an_entry_with_its_operator_and_reason(operator_client, operator):
    account = open_account(CREDIT)

    answer = adjust(operator_client, account, amount="-0.25", reason="A test that went wrong.")

    assert answer.status_code == 302
    entry = LedgerEntry.objects.get(kind="adjustment")
    assert (entry.amount_nano, entry.balance_nano) == (-CREDIT // 4, 3 * CREDIT // 4)
    assert (entry.actor, entry.reason) == (operator, "A test that went wrong.")
    result = AuditEntry.objects.get()
    assert (result.actor, result.action, result.reason) == (operator, "adjust", entry.reason)
    assert result.detail == {"entry": entry.pk, "credits": "-0.25"}
    assert LogEntry.objects.filter(user=operator, object_id=str(account.pk)).count() == 1


@pytest.mark.parametrize(
    ("amount", "reason", "complaint"),
    [
        ("1", " ", "Say why."),
        ("-1.5", "Too much.", "That is more than is available."),
        ("9999999999", "Far too much.", "No balance takes such an amount."),
        ("0.0000000001", "Too fine.", "Write an amount in roubles"),
        ("0", "Nothing.", "Zero changes nothing."),
        ("", "No amount.", "required"),
        ("NaN", "No number.", "Write an amount in roubles"),
    ],
)
def test_an_adjustment_that_cannot_be_moves_nothing(operator_client, amount, reason, complaint):
    account = open_account(CREDIT)

    answer = adjust(operator_client, account, amount=amount, reason=reason)

    assert answer.status_code == 422
    assert complaint in answer.content.decode()
    assert 'value="' + amount in answer.content.decode()
    assert balances.exact(account.pk).posted_nano == CREDIT
    assert not AuditEntry.objects.exists()


def test_a_form_sent_twice_adjusts_once_and_says_so(operator_client):
    account = open_account(CREDIT)
    path = reverse("admin:billing_creditaccount_adjust", args=[account.pk])
    form = fields_of(operator_client.get(path)) | {"amount": "1", "reason": "A present."}

    first, second = (operator_client.post(path, form) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 422)
    assert "perhaps this very adjustment" in second.content.decode()
    assert balances.exact(account.pk).posted_nano == 2 * CREDIT
    assert operator_client.post(path, fields_of(second)).status_code == 302
    assert balances.exact(account.pk).posted_nano == 3 * CREDIT


def test_a_new_person_who_never_paid_can_be_given_credits(operator_client):
    account = register(email="new@example.ru")
    operator_client.defaults["HTTP_ACCEPT_LANGUAGE"] = (
        "ru"  # where a comma stands before the kopecks
    )
    assert adjust(operator_client, account, amount="10,5", reason="С почином").status_code == 302
    assert adjust(operator_client, account, amount="0.25", reason="И ещё").status_code == 302
    assert balances.exact(account.pk).posted_nano == 10 * CREDIT + 3 * CREDIT // 4


def test_an_address_stays_as_it_is_written_where_a_message_tells_of_its_account(operator_client):
    account = register(email="new@example.ru")
    told = operator_client.get(
        adjust(operator_client, account, amount="1", reason="A gift").headers["Location"]
    )
    assert "Booked for new@example.ru" in told.content.decode()


def test_the_action_leads_to_the_page_with_the_reason_typed(operator_client):
    account, other = open_account(CREDIT), open_account(CREDIT)
    path = reverse("admin:billing_creditaccount_changelist")
    form = {"action": "adjust", "_selected_action": [account.pk], "reason": "A gift"}
    page = operator_client.post(path, form, follow=True)
    assert page.redirect_chain[-1][0].endswith(f"/{account.pk}/adjust/?reason=A+gift")
    assert "A gift" in page.content.decode()
    page = operator_client.post(
        path, form | {"_selected_action": [account.pk, other.pk]}, follow=True
    )
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
def test_what_the_ledger_wrote_can_only_be_read(operator_client, model):
    settled_generation(open_account(CREDIT))
    row = model.objects.first()
    name = model._meta.model_name

    page = operator_client.get(reverse(f"admin:billing_{name}_change", args=[row.pk]))
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    assert (
        operator_client.post(reverse(f"admin:billing_{name}_change", args=[row.pk])).status_code
        == 403
    )
    assert (
        operator_client.post(reverse(f"admin:billing_{name}_delete", args=[row.pk])).status_code
        == 403
    )
    assert operator_client.get(reverse(f"admin:billing_{name}_add")).status_code == 403


@pytest.mark.parametrize("model", [LedgerEntry, Generation, CreditAccount])
def test_long_tables_are_never_counted_whole(operator_client, model):
    account = open_account(CREDIT)
    settled_generation(account)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = operator_client.get(reverse(f"admin:billing_{model._meta.model_name}_changelist"))

    assert page.status_code == 200
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_a_generation_is_found_by_its_public_id(operator_client):
    account = open_account(2 * CREDIT)
    wanted, other = settled_generation(account), settled_generation(account)

    page = operator_client.get(
        reverse("admin:billing_generation_changelist"), {"q": public_id(wanted)}
    )

    assert public_id(wanted) in page.content.decode()
    assert public_id(other) not in page.content.decode()


@pytest.mark.parametrize("model", [LedgerEntry, Generation])
def test_what_is_long_is_found_by_what_has_an_index(operator_client, model):
    account, other = open_account(CREDIT), open_account(CREDIT)
    settled_generation(account)
    path = reverse(f"admin:billing_{model._meta.model_name}_changelist")
    number = model.objects.filter(account=account).count()
    for term in (str(account.pk), f" {account.owner.email.upper()} "):
        found = operator_client.get(path, {"q": term}).context["cl"].queryset
        assert {row.account_id for row in found} == {account.pk}
        assert found.count() == number
    for term in ("nobody@example.ru", "gen-1", "0" * 30, "9" * 30, "٣", "' OR 1=1"):
        assert not operator_client.get(path, {"q": term}).context["cl"].queryset.exists()
    assert model.objects.filter(account=other).count() < number


def test_a_price_without_a_moment_holds_from_now_on(operator_client):
    path = reverse("admin:billing_price_add")
    form = {"model_id": "gigachat-pro", "prompt": "520", "completion": "999,5", "cached": "0"}
    number = Price.objects.count()
    shown = operator_client.post(path, form)
    assert shown.status_code == 200
    assert Price.objects.count() == number
    lines = shown.context["lines"]
    assert [line.after_nano for line in lines] == [520 * CREDIT, 999 * CREDIT + CREDIT // 2, 0]

    before = timezone.now()
    assert operator_client.post(path, form | CONFIRM).status_code == 302
    price = Price.objects.order_by("-pk")[0]
    assert before <= price.valid_from <= timezone.now()
    assert (price.prompt_nano, price.completion_nano, price.cached_nano) == (520_000, 999_500, 0)
    past = form | {"valid_from_0": "2020-01-01", "valid_from_1": "00:00"}
    assert "This moment has passed" in operator_client.post(path, past).content.decode()


@pytest.mark.parametrize(
    ("language", "at"), [("ru", "02.01.2100 03:04"), ("en", "2 Jan 2100 03:04")]
)
def test_a_price_is_named_by_its_moment_as_the_language_writes_it(operator_client, language, at):
    operator_client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    form = {"model_id": "gigachat-pro", "prompt": "520", "completion": "520"}
    form |= {"valid_from_0": "2100-01-02", "valid_from_1": "03:04"}
    shown = operator_client.post(reverse("admin:billing_price_add"), form)
    assert shown.context["subtitle"] == f"gigachat-pro, {at}"


def test_a_saved_price_is_told_of_in_words_of_its_gender(operator_client):
    operator_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ru"
    form = {"model_id": "gigachat-pro", "prompt": "520", "completion": "520"} | CONFIRM
    answer = operator_client.post(reverse("admin:billing_price_add"), form, follow=True)
    assert "Добавлено: цена «gigachat" in answer.content.decode()


def test_a_price_can_be_dated_ahead_and_changed_until_it_is_in_force(operator_client):
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
    change = {"model_id": "gigachat-pro", "prompt": "0.007", "completion": "0.007"} | CONFIRM
    change |= {"valid_from_0": "2100-01-01", "valid_from_1": "00:00:00"}

    refused, done = (
        operator_client.post(reverse("admin:billing_price_change", args=[price.pk]), change)
        for price in (past, future)
    )

    assert (refused.status_code, done.status_code) == (403, 302)
    assert list(Price.objects.order_by("pk").values_list("prompt_nano", flat=True))[-2:] == [1, 7]
    assert (
        operator_client.post(reverse("admin:billing_price_delete", args=[past.pk])).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_id", "no-such-model"),
        ("prompt", "0.0001"),
        ("prompt", "-1"),
        ("prompt", "0"),
        ("completion", "9" * 20),
        ("completion", ""),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_its_field(operator_client, field, value):
    form = {"model_id": "gigachat-pro", "prompt": "1", "completion": "1"} | CONFIRM
    refused = operator_client.post(reverse("admin:billing_price_add"), form | {field: value})
    assert field in refused.context["adminform"].form.errors


def test_a_price_below_the_providers_own_is_warned_of(operator_client):
    UpstreamPrice.objects.create(
        provider="gigachat",
        upstream_id="GigaChat-2-Pro",
        valid_from=timezone.now(),
        prompt_nano=500_000,
        completion_nano=500_000,
        cached_nano=0,
    )
    form = {"model_id": "gigachat-pro", "prompt": "499", "completion": "1000", "cached": "0"}
    shown = operator_client.post(reverse("admin:billing_price_add"), form)
    assert shown.context["is_below_cost"]
    assert [line.is_below_cost for line in shown.context["lines"]] == [True, False, False]


def test_holds_leases_and_spending_are_on_no_admin():
    registered = {
        model.__name__ for model in admin.site._registry if model._meta.app_label == "billing"
    }
    assert registered == {
        *("LedgerEntry", "Generation", "CreditAccount", "Price", "UpstreamPrice"),
        *("Payment", "PaymentRefund", "AutoTopUp", "CodeBatch", "RedemptionCode"),
    }
