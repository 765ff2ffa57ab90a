"""An audit goes on from the checkpoint of the last one: it reads what is new, and finds what is wrong there."""

import datetime as dt
import io

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from billing import tasks
from billing.ledger import audit, ledger
from billing.ledger.audit import ALL_POSTED, AUDITED, BALANCE, CHAIN, LAST, POSTED, Audit
from billing.ledger.chain import digest_of
from billing.models import AuditCheckpoint, CreditAccount, Generation, LedgerEntry, Spending
from tests.billing.append_only import forge
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]
INCREMENTAL = "since entry"


@pytest.fixture
def settled(monkeypatch):
    """Take every entry for one that no running transaction can come before."""
    monkeypatch.setattr(audit, "CLOCK_SLACK", dt.timedelta(hours=-1))


@pytest.fixture
def old_account(settled):
    """Return an account with a top-up and a charge that have been audited."""
    account = open_account(10 * CREDIT)
    settle_one(end(hold_one(ask(payer(account), 2 * CREDIT)), CREDIT))
    assert audit.run(None) == []
    return account


def newest() -> AuditCheckpoint:
    return AuditCheckpoint.objects.latest("id")


def charge(account):
    settle_one(end(hold_one(ask(payer(account), 2 * CREDIT)), CREDIT))


def rules_broken(forgery, since):
    """Return the rules that an audit finds broken by a forgery, which is undone."""
    found = set()
    with transaction.atomic():
        forgery()
        found = {drift.rule for drift in Audit(since).drifts()}
        transaction.set_rollback(True)
    return found


def test_a_checkpoint_keeps_what_all_entries_come_to(old_account):
    first = newest()
    assert first.until_entry == LedgerEntry.objects.latest("id").pk
    assert (first.entries, first.sum_nano, first.is_whole) == (2, 9 * CREDIT, True)
    charge(old_account)
    assert audit.run(first) == []
    second = newest()
    assert (second.entries, second.sum_nano, second.is_whole) == (3, 8 * CREDIT, False)
    assert audit.run(None) == []
    assert bytes(newest().digest) == bytes(second.digest)


def test_only_what_is_new_is_read(old_account):
    for _ in range(30):
        ledger.adjust(old_account.pk, CREDIT, reason="A gift.", actor_id=None)
    open_account(CREDIT)
    assert audit.run(newest()) == []
    ledger.adjust(old_account.pk, CREDIT, reason="The newest.", actor_id=None)
    reader = Audit(newest())
    assert [fields["reason"] for fields in reader._entries()] == ["The newest."]
    assert list(reader._last) == [old_account.pk]
    assert list(Audit(newest()).drifts()) == []


OLD = {
    "an entry": (
        lambda: forge("UPDATE billing_ledgerentry SET reason = 'Another story.'"),
        CHAIN,
    ),
    "a generation": (
        lambda: Generation.objects.update(cost_nano=F("cost_nano") + 1),
        "a generation's cost is its charge",
    ),
}


@pytest.mark.parametrize("what", OLD)
def test_a_whole_audit_finds_what_was_changed_before_the_checkpoint(old_account, what):
    forgery, rule = OLD[what]
    assert rule in rules_broken(forgery, None)


def test_a_history_that_was_written_anew_with_its_digests_is_not_the_audited_one(old_account):
    def write_anew():
        """Do what a whole audit would do, so that every digest and balance fits."""
        forge("UPDATE billing_ledgerentry SET reason = 'Another story.'")
        last = b""
        for entry in LedgerEntry.objects.order_by("id"):
            last = digest_of(
                last,
                account_id=entry.account_id,
                kind=entry.kind,
                amount_nano=entry.amount_nano,
                balance_nano=entry.balance_nano,
                created_at=entry.created_at,
                generation_id=entry.generation_id,
                payment_id=entry.payment_id,
                reason=entry.reason,
                actor_id=entry.actor_id,
            )
            LedgerEntry.objects.filter(pk=entry.pk).update(digest=last)
        CreditAccount.objects.update(last_digest=last)

    assert rules_broken(write_anew, None) == {AUDITED}


NEW = {
    "an entry's words": (
        "UPDATE billing_ledgerentry SET reason = 'Another story.' WHERE id > %s",
        CHAIN,
    ),
    "an entry's balance": (
        "UPDATE billing_ledgerentry SET balance_nano = balance_nano + 1 WHERE id > %s",
        BALANCE,
    ),
    "an entry's amount": (
        "UPDATE billing_ledgerentry SET amount_nano = amount_nano - 1 WHERE id > %s",
        POSTED,
    ),
    "an entry taken out": ("DELETE FROM billing_ledgerentry WHERE id > %s", ALL_POSTED),
    "the newest taken out": (
        "DELETE FROM billing_ledgerentry WHERE id > %s + 1",
        LAST,
    ),
    "a generation's cost": (
        "UPDATE billing_generation SET cost_nano = cost_nano + 1",
        "a generation's cost is its charge",
    ),
    "a day's spending": (
        "UPDATE billing_spending SET spent_nano = spent_nano + 1",
        "a credential's spending is the sum of its generations",
    ),
    "what an account has": (
        "UPDATE billing_creditaccount SET posted_nano = posted_nano + 1",
        ALL_POSTED,
    ),
}


@pytest.mark.parametrize("what", NEW)
def test_an_audit_of_what_is_new_finds_what_was_changed_there(old_account, what):
    statement, rule = NEW[what]
    since = newest()
    charge(old_account)
    charge(old_account)
    assert Spending.objects.exists()
    assert rule in rules_broken(
        lambda: forge(statement.replace("%s", str(since.until_entry))), since
    )


def test_entries_of_the_last_hour_are_read_again_the_next_time():
    """A transaction that still runs may write an entry below the newest id."""
    account = open_account(CREDIT)
    assert audit.run(None) == []
    assert (newest().until_entry, newest().entries) == (0, 0)
    forged = "UPDATE billing_ledgerentry SET reason = 'Another story.'"
    assert CHAIN in rules_broken(lambda: forge(forged), newest())
    ledger.adjust(account.pk, CREDIT, reason="A gift.", actor_id=None)
    assert audit.run(newest()) == []


def test_an_audit_that_finds_drift_leaves_no_checkpoint(old_account):
    before = AuditCheckpoint.objects.count()
    CreditAccount.objects.update(posted_nano=F("posted_nano") + 1)
    assert audit.run(None) != []
    CreditAccount.objects.update(posted_nano=F("posted_nano") - 1)
    assert AuditCheckpoint.objects.count() == before


def command(*arguments: str) -> str:
    output = io.StringIO()
    call_command("audit_ledger", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_reads_everything_unless_told_to_read_what_is_new(old_account):
    assert INCREMENTAL not in command()
    assert command("--new") == f"The books add up since entry {newest().until_entry}: drift 0.\n"


def test_a_whole_audit_is_due_once_a_week_and_where_the_last_result_is_not_known(old_account):
    cache.clear()
    assert INCREMENTAL not in command("--new")
    assert INCREMENTAL in command("--new")
    with transaction.atomic():
        week = AuditCheckpoint.objects.values()
        eight_days_ago = timezone.now() - dt.timedelta(days=8)
        rows = [
            AuditCheckpoint(**(fields | {"id": None, "created_at": eight_days_ago}))
            for fields in week
        ]
        _empty_checkpoints()
        AuditCheckpoint.objects.bulk_create(rows)
        assert audit.checkpoint_to_go_on_from() is None
        transaction.set_rollback(True)
    assert audit.checkpoint_to_go_on_from() is not None


def _empty_checkpoints() -> None:
    """Do what the database refuses; it is to be undone."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE billing_auditcheckpoint DISABLE TRIGGER USER")
        else:
            cursor.execute("DROP TRIGGER checkpoints_refuse_delete")
        cursor.execute("DELETE FROM billing_auditcheckpoint")


def test_the_hourly_job_finds_an_old_forgery_each_time_until_it_is_mended(old_account, caplog):
    tasks.audit_books()
    Generation.objects.update(cost_nano=F("cost_nano") + 1)
    cache.delete(audit._LAST_DRIFT)  # so that a whole audit is due
    tasks.audit_books()
    tasks.audit_books()
    assert audit.last_drift_nano() != 0
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    Generation.objects.update(cost_nano=F("cost_nano") - 1)
    tasks.audit_books()
    assert audit.last_drift_nano() == 0
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_auditcheckpoint SET sum_nano = 0",
        "DELETE FROM billing_auditcheckpoint",
    ],
)
def test_the_database_refuses_to_change_a_checkpoint(old_account, statement):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_an_audit_from_a_checkpoint_of_an_empty_ledger_reads_all():
    audit.run(None)
    since = newest()
    assert since.entries == 0
    open_account(CREDIT)
    assert len(list(Audit(since)._entries())) == 1
