"""Ledger entries are chained by hash, refunds at the shop are taken back, and the triggers refuse more.

The triggers go first and come back last: SQLite makes the table anew and would lose them.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from billing.ledger.chain import digest_of

POSTGRES_OFF = (
    "SET LOCAL statement_timeout = 0",
    "DROP TRIGGER ledger_is_append_only ON billing_ledgerentry",
)
POSTGRES_ON = (
    """
    CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()
    """,
)
POSTGRES_MORE = (
    """
    CREATE TRIGGER ledger_refuses_truncate BEFORE TRUNCATE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()
    """,
)
POSTGRES_LESS = ("DROP TRIGGER ledger_refuses_truncate ON billing_ledgerentry",)
SQLITE_OFF = ("DROP TRIGGER ledger_refuses_update", "DROP TRIGGER ledger_refuses_delete")
SQLITE_ON = (
    """
    CREATE TRIGGER ledger_refuses_update BEFORE UPDATE ON billing_ledgerentry
    BEGIN SELECT RAISE(ABORT, 'ledger entries are append-only'); END
    """,
    """
    CREATE TRIGGER ledger_refuses_delete BEFORE DELETE ON billing_ledgerentry
    BEGIN SELECT RAISE(ABORT, 'ledger entries are append-only'); END
    """,
)
# INSERT OR REPLACE deletes what is in its way, and tells no trigger of it.
SQLITE_MORE = (
    """
    CREATE TRIGGER ledger_refuses_replace BEFORE INSERT ON billing_ledgerentry
    WHEN EXISTS (SELECT 1 FROM billing_ledgerentry WHERE id = NEW.id)
    OR (NEW.generation_id IS NOT NULL AND EXISTS (SELECT 1 FROM billing_ledgerentry
        WHERE generation_id = NEW.generation_id AND kind = NEW.kind))
    OR (NEW.payment_id <> '' AND EXISTS (SELECT 1 FROM billing_ledgerentry
        WHERE kind = NEW.kind AND payment_id = NEW.payment_id))
    BEGIN SELECT RAISE(ABORT, 'ledger entries are append-only'); END
    """,
)
SQLITE_LESS = ("DROP TRIGGER ledger_refuses_replace",)
ROWS_AT_ONCE = 1000


def _run(schema_editor, on_postgres, on_sqlite):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in on_postgres if is_postgres else on_sqlite:
        schema_editor.execute(statement, params=None)


def triggers_off(apps, schema_editor):
    _run(schema_editor, POSTGRES_OFF, SQLITE_OFF)


def triggers_on(apps, schema_editor):
    _run(schema_editor, POSTGRES_ON, SQLITE_ON)


def more_triggers_on(apps, schema_editor):
    _run(schema_editor, POSTGRES_ON + POSTGRES_MORE, SQLITE_ON + SQLITE_MORE)


def more_triggers_off(apps, schema_editor):
    _run(schema_editor, POSTGRES_OFF + POSTGRES_LESS, SQLITE_OFF + SQLITE_LESS)


def chain(apps, schema_editor):
    """Give every entry its digest, and every account that of its newest entry."""
    entries = apps.get_model("billing", "LedgerEntry").objects
    accounts = apps.get_model("billing", "CreditAccount").objects
    last: dict[int, bytes] = {}
    waiting = []
    for entry in entries.order_by("id").iterator(ROWS_AT_ONCE):
        entry.digest = last[entry.account_id] = digest_of(
            last.get(entry.account_id, b""),
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
        waiting.append(entry)
        if len(waiting) == ROWS_AT_ONCE:
            entries.bulk_update(waiting, ["digest"])
            waiting.clear()
    entries.bulk_update(waiting, ["digest"])
    for account_id, digest in last.items():
        accounts.filter(account=account_id).update(last_digest=digest)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_append_only"),
        ("billing", "0009_generation_notes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(triggers_off, triggers_on),
        migrations.CreateModel(
            name="PaymentRefund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider_id", models.CharField(max_length=64, unique=True)),
                ("amount_nano", models.BigIntegerField(verbose_name="amount")),
                ("note", models.TextField(db_default="", default="", verbose_name="note")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="time"
                    ),
                ),
            ],
            options={
                "verbose_name": "payment refund",
                "verbose_name_plural": "payment refunds",
            },
        ),
        migrations.RemoveConstraint(
            model_name="creditaccount",
            name="available_is_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="entry_sign_fits_its_kind",
        ),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="entry_balance_is_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="entry_names_its_cause",
        ),
        migrations.AddField(
            model_name="creditaccount",
            name="debt_nano",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="creditaccount",
            name="last_digest",
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="digest",
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="payment",
            name="note",
            field=models.TextField(db_default="", default="", verbose_name="note"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("top_up", "top-up"),
                    ("charge", "charge"),
                    ("refund", "refund"),
                    ("adjustment", "adjustment"),
                    ("write_off", "write-off"),
                    ("returned", "payment returned"),
                ],
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="amount_nano",
            field=models.BigIntegerField(verbose_name="amount"),
        ),
        migrations.AlterField(
            model_name="payment",
            name="created_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), verbose_name="time"
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "pending"),
                    ("succeeded", "succeeded"),
                    ("canceled", "canceled"),
                    ("mismatched", "paid otherwise"),
                ],
                default="pending",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "posted_nano__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("held_nano"), "-", models.F("debt_nano")
                        ),
                    )
                ),
                name="available_is_not_below_the_debt",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("debt_nano__gte", 0)), name="debt_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount_nano__gt", 0), ("kind__in", ["top_up", "refund", "write_off"])
                    ),
                    models.Q(("amount_nano__lt", 0), ("kind__in", ["charge", "returned"])),
                    models.Q(("kind", "adjustment"), models.Q(("amount_nano", 0), _negated=True)),
                    _connector="OR",
                ),
                name="entry_sign_fits_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "charge"), ("generation_id__isnull", False)),
                    models.Q(
                        ("kind__in", ["top_up", "returned"]),
                        models.Q(("payment_id", ""), _negated=True),
                    ),
                    models.Q(
                        ("kind__in", ["refund", "adjustment", "write_off"]),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="entry_names_its_cause",
            ),
        ),
        migrations.AddField(
            model_name="paymentrefund",
            name="entry",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.ledgerentry",
            ),
        ),
        migrations.AddField(
            model_name="paymentrefund",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="billing.payment",
                verbose_name="payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentrefund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_nano__gt", 0), ("entry__isnull", False), ("note", "")),
                    models.Q(("entry__isnull", True), models.Q(("note", ""), _negated=True)),
                    _connector="OR",
                ),
                name="payment_refund_is_taken_back_or_says_why_not",
            ),
        ),
        migrations.RunPython(chain, migrations.RunPython.noop),
        migrations.RunPython(more_triggers_on, more_triggers_off),
    ]
