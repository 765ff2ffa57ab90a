"""Checkpoints of the ledger's audits, which are never changed and never deleted."""

import django.db.models.functions.datetime
from django.db import migrations, models

POSTGRES = (
    """
    CREATE TRIGGER checkpoints_are_append_only BEFORE UPDATE OR DELETE ON billing_auditcheckpoint
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()
    """,
    """
    CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON billing_auditcheckpoint
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change()
    """,
)
SQLITE = (
    """
    CREATE TRIGGER checkpoints_refuse_update BEFORE UPDATE ON billing_auditcheckpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END
    """,
    """
    CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON billing_auditcheckpoint
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END
    """,
    """
    CREATE TRIGGER checkpoints_refuse_replace BEFORE INSERT ON billing_auditcheckpoint
    WHEN EXISTS (SELECT 1 FROM billing_auditcheckpoint WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END
    """,
)


def install(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRES if is_postgres else SQLITE:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_price_source")]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("until_entry", models.BigIntegerField()),
                ("entries", models.BigIntegerField()),
                ("sum_nano", models.BigIntegerField()),
                ("digest", models.BinaryField()),
                ("generations_until", models.UUIDField()),
                ("is_whole", models.BooleanField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("entries__gte", 0), ("until_entry__gte", 0)),
                        name="checkpoint_counts_entries",
                    )
                ],
            },
        ),
        migrations.RunPython(install, migrations.RunPython.noop),  # the table takes them with it
    ]
