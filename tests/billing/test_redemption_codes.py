"""Redemption codes: made by an operator, shown once, redeemed once each, refused by the database after."""

import datetime as dt
import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone, translation

from accounts import suspension
from accounts.audit.log import AuditEntry
from accounts.errors import AccountSuspended
from accounts.models import User
from billing import redemption_codes
from billing.errors import BillingError, RedemptionRefused
from billing.ledger import audit, balances
from billing.models import CodeBatch, LedgerEntry, RedemptionCode
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of
from tests.billing.payers import CREDIT, open_account, pay_in
from tests.billing.visitors import text_of, visitor

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

MAKE, BATCHES = "/admin/billing/codebatch/make/", "/admin/billing/codebatch/"
CODES = "/admin/billing/redemptioncode/"
REDEEM = "/cabinet/billing/redeem/"


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def new_operator() -> User:
    return User.objects.create_superuser(
        f"operator-{uuid.uuid4().hex}@example.ru", "a long password"
    )


@pytest.fixture
def operator_client() -> Client:
    return seat(Client(headers={"accept-language": "en"}), new_operator())


def make(
    count: int = 1, *, days: int = 30, email: str = "", operator: User | None = None
) -> list[str]:
    _, codes = redemption_codes.make_batch(
        500 * CREDIT,
        count,
        key=uuid.uuid4(),
        expires_at=timezone.now() + dt.timedelta(days=days),
        note="For the conference",
        email=email,
        operator_id=(operator or new_operator()).pk,
    )
    return codes


def submit(client: Client, **typed: Any) -> Any:
    given = {"amount": "500", "count": "3", "note": "For the conference"}
    return client.post(MAKE, fields_of(client.get(MAKE)) | given | typed)


def test_a_code_is_credited_once_with_its_ledger_entry():
    account, [code] = open_account(), make()
    redemption_codes.redeem(account.pk, code)
    [entry] = LedgerEntry.objects.filter(account=account)
    row = RedemptionCode.objects.get()
    assert (entry.kind, entry.amount_nano, entry.payment_id) == (
        "top_up",
        500 * CREDIT,
        f"code-{row.pk}",
    )
    assert (row.account_id, row.entry_id) == (account.pk, entry.pk)
    with pytest.raises(RedemptionRefused, match="You have redeemed this code"):
        redemption_codes.redeem(account.pk, code)
    with pytest.raises(RedemptionRefused, match="redeemed already"):
        redemption_codes.redeem(open_account().pk, code)
    assert balances.exact(account.pk).posted_nano == 500 * CREDIT


def test_the_database_itself_refuses_the_second_entry_of_a_code():
    account, [code] = open_account(), make()
    redemption_codes.redeem(account.pk, code)
    # Whoever forgets that it was redeemed is stopped by the ledger.
    RedemptionCode.objects.update(redeemed_at=None, account=None, entry=None)
    with pytest.raises(BillingError):
        redemption_codes.redeem(open_account().pk, code)
    assert LedgerEntry.objects.count() == 1
    entry = LedgerEntry.objects.get()
    RedemptionCode.objects.update(
        redeemed_at=timezone.now(), account=account.pk, entry=entry.pk
    )  # as it was, for the audit


def test_a_redeemed_code_without_its_entry_cannot_be_stored():
    make()
    with pytest.raises(IntegrityError), transaction.atomic():
        RedemptionCode.objects.update(redeemed_at=timezone.now())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("accounts", [1, 8])
def test_of_redemptions_at_once_one_is_credited(accounts):
    payers = [open_account() for _ in range(accounts)]
    [code] = make()
    together, refused = threading.Barrier(8), []

    def run(account_id: int) -> None:
        together.wait()
        try:
            redemption_codes.redeem(account_id, code)
        except RedemptionRefused as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(payers[number % accounts].pk,)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert LedgerEntry.objects.get(kind="top_up").amount_nano == 500 * CREDIT


def test_no_code_is_stored_in_clear():
    [code] = make()
    row = RedemptionCode.objects.values().get()
    assert code not in str(row)
    assert row["tail"] == code[-4:]
    assert len(row["digest"]) == 64


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: redemption_codes.shown(code),
        lambda code: redemption_codes.shown(code).lower(),
        lambda code: f"  {code[:8]} {code[8:]} ",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("1", "l"),
    ],
    ids=["as shown", "small letters", "with spaces", "misread", "a small l"],
)
def test_a_code_is_taken_however_it_is_typed(typed):
    account, [code] = open_account(), make()
    assert redemption_codes.redeem(account.pk, typed(code)).amount_nano == 500 * CREDIT


def test_expired_and_voided_codes_say_so():
    [late], [withdrawn] = make(days=-1), make()
    redemption_codes.void(
        RedemptionCode.objects.get(tail=withdrawn[-4:], batch__expires_at__gt=timezone.now())
    )
    account = open_account()
    with pytest.raises(RedemptionRefused, match="expired"):
        redemption_codes.redeem(account.pk, late)
    with pytest.raises(RedemptionRefused, match="withdrawn"):
        redemption_codes.redeem(account.pk, withdrawn)


def test_a_code_for_an_address_is_its_owners_alone():
    account, other = open_account(), open_account()
    [code] = make(email=account.owner.email.upper())
    with pytest.raises(RedemptionRefused, match="another e-mail"):
        redemption_codes.redeem(other.pk, code)
    assert redemption_codes.redeem(account.pk, code).is_new


def test_a_suspended_account_redeems_nothing():
    account, [code] = open_account(), make()
    suspension.suspend(account=account, reason="looked into")
    with pytest.raises(AccountSuspended):
        redemption_codes.redeem(account.pk, code)
    answer = visitor(account).post(REDEEM, {"code": code})
    assert answer.status_code == 422
    assert "A suspended account cannot redeem codes." in text_of(answer)
    assert not LedgerEntry.objects.exists()


def test_the_audit_finds_a_top_up_that_no_code_answers_for():
    account, [code] = open_account(), make()
    redemption_codes.redeem(account.pk, code)
    with transaction.atomic():
        RedemptionCode.objects.update(redeemed_at=None, account=None, entry=None)
        assert "a top-up has its payment" in {drift.rule for drift in audit.find_drift()}
        transaction.set_rollback(True)
    with transaction.atomic():
        CodeBatch.objects.update(amount_nano=1)
        assert "a redeemed code is its top-up" in {drift.rule for drift in audit.find_drift()}
        transaction.set_rollback(True)


def test_a_person_redeems_on_the_billing_page():
    account, [code] = open_account(), make()
    client = visitor(account)
    answer = client.post(REDEEM, {"code": redemption_codes.shown(code)}, follow=True)
    assert "The code is redeemed: 500.00 ₽ are on the balance." in text_of(answer)
    assert f"Redemption code …{code[-4:]}" in text_of(answer)


@pytest.mark.parametrize(
    ("typed", "said"), [("", "Type the code."), ("XR-0000", "no such code"), ("x" * 65, "64")]
)
def test_what_is_no_code_is_said_at_its_field(typed, said):
    answer = visitor(open_account()).post(REDEEM, {"code": typed})
    assert answer.status_code == 422
    assert 'id="id_code_error"' in answer.content.decode()
    assert said in text_of(answer)


def test_guessing_is_limited_by_account_and_by_network():
    client = visitor(open_account())
    assert [client.post(REDEEM, {"code": "x"}).status_code for _ in range(11)] == [422] * 10 + [429]
    others = [visitor(open_account()) for _ in range(6)]
    statuses = [
        other.post(REDEEM, {"code": "x"}, REMOTE_ADDR=f"203.0.113.{number}").status_code
        for number, other in enumerate(others * 10)
    ]
    assert statuses == [422] * 60
    assert (
        visitor(open_account()).post(REDEEM, {"code": "x"}, REMOTE_ADDR="203.0.113.99").status_code
        == 429
    )
    stranger = visitor(open_account()).post(REDEEM, {"code": "x"}, REMOTE_ADDR="198.51.100.1")
    assert stranger.status_code == 422


def test_an_operator_makes_a_batch_that_is_shown_once(operator_client):
    answer = submit(operator_client, email="anna@example.ru")
    assert answer.status_code == 200
    shown = set(re.findall(r"XR(?:-[0-9A-Z]{4}){4}", answer.content.decode()))
    assert len(shown) == 3
    batch = CodeBatch.objects.get()
    assert (batch.amount_nano, batch.email_folded) == (500 * CREDIT, "anna@example.ru")
    assert b"data:text/csv" in answer.content
    for page in (BATCHES, CODES, f"{CODES}{batch.codes.earliest('pk').pk}/change/"):
        assert "XR-" not in operator_client.get(page).content.decode()
    act = AuditEntry.objects.get(action="issue", object_kind="billing.codebatch")
    assert (act.reason, act.detail["codes"]) == ("For the conference", 3)


def test_a_form_that_is_sent_twice_makes_one_batch(operator_client):
    form = fields_of(operator_client.get(MAKE)) | {"amount": "5", "count": "2", "note": "twice"}
    assert operator_client.post(MAKE, form).status_code == 200
    again = operator_client.post(MAKE, form)
    assert again.status_code == 422
    assert "This batch is made already" in again.content.decode()
    assert RedemptionCode.objects.count() == 2


@pytest.mark.parametrize(
    "typed",
    [
        {"amount": "0"},
        {"amount": "0.001"},
        {"amount": "1000001"},
        {"count": "0"},
        {"count": "1001"},
        {"expires_on": "2020-01-01"},
        {"expires_on": "9999-12-31"},
        {"note": " "},
        {"email": "nobody"},
    ],
)
def test_a_batch_that_makes_no_sense_is_not_made(operator_client, typed):
    assert submit(operator_client, **typed).status_code == 422
    assert not CodeBatch.objects.exists()


def test_who_may_only_look_makes_and_voids_nothing():
    reader = User.objects.create_user("reader@example.ru", "a long password of theirs")
    reader.is_staff = True
    reader.save()
    reader.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_codebatch", "view_redemptioncode"])
    )
    client = seat(Client(), reader)
    make()
    assert client.get(BATCHES).status_code == 200
    assert client.get(MAKE).status_code == client.post(MAKE, {}).status_code == 403
    void = {"action": "void", "_selected_action": [RedemptionCode.objects.get().pk]}
    client.post(CODES, void)
    assert RedemptionCode.objects.get().voided_at is None


def test_voiding_is_recorded_with_its_reason_and_spares_what_was_redeemed(operator_client):
    used, left = make(2)
    redemption_codes.redeem(open_account().pk, used)
    batch = CodeBatch.objects.get()
    void = {"action": "void", "_selected_action": [batch.pk], "reason": "leaked", "_confirmed": 1}
    operator_client.post(BATCHES, void)
    assert sorted(map(redemption_codes.state_of, RedemptionCode.objects.all())) == [
        "redeemed",
        "voided",
    ]
    assert AuditEntry.objects.get(action="revoke").reason == "leaked"
    with pytest.raises(RedemptionRefused, match="withdrawn"):
        redemption_codes.redeem(open_account().pk, left)


def test_a_redeemed_code_is_not_voided(operator_client):
    [code] = make()
    redemption_codes.redeem(open_account().pk, code)
    row = RedemptionCode.objects.get()
    void = {"action": "void", "_selected_action": [row.pk], "reason": "leaked", "_confirmed": 1}
    answer = operator_client.post(CODES, void, follow=True)
    assert "was redeemed already" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="revoke").exists()


def test_the_list_of_codes_is_filtered_by_state(operator_client):
    operator = new_operator()
    [used], [withdrawn], [late], [left] = (
        make(days=days, operator=operator) for days in (1, 1, -1, 1)
    )
    redemption_codes.redeem(open_account().pk, used)
    redemption_codes.void(RedemptionCode.objects.order_by("pk")[1])
    expected = {"redeemed": used, "voided": withdrawn, "expired": late, "open": left}
    for state, code in expected.items():
        page = operator_client.get(f"{CODES}?state={state}").content.decode()
        assert f"…{code[-4:]}" in page
        assert "1 in all" in page


def test_erasing_a_person_voids_the_codes_for_their_address():
    account = open_account()
    [code] = make(email=account.owner.email)
    call_command("erase_account", account.owner.email, "--yes")
    assert CodeBatch.objects.get().email_folded == "erased"
    assert RedemptionCode.objects.get().voided_at is not None
    with pytest.raises(RedemptionRefused):
        redemption_codes.redeem(open_account().pk, code)


def test_a_code_leaves_the_balance_of_others_alone():
    payer = open_account()
    pay_in(payer, 7 * CREDIT)
    redemption_codes.redeem(open_account().pk, make()[0])
    assert balances.exact(payer.pk).posted_nano == 7 * CREDIT
