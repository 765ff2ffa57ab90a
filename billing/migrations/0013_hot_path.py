"""The tables of the money path on PostgreSQL: fewer look-ups a request, rows changed in place.

A foreign key locks the row that it names, with every insert: what a statement has just locked or read
itself needs none. Rows that every request changes keep room on their pages, so that no index is touched.
The chain of an account's entries becomes an aggregate, so that a batch of settlements is one statement.
On SQLite a table would have to be made anew for this, and nothing would be gained.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CHAIN = """
    CREATE FUNCTION billing_chain_step(last bytea, before bytea, content text) RETURNS bytea
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN sha256(coalesce(last, before, ''::bytea) || convert_to(content, 'UTF8'));
    CREATE AGGREGATE billing_chained(before bytea, content text)
        (SFUNC = billing_chain_step, STYPE = bytea);
"""
NO_CHAIN = """
    DROP AGGREGATE billing_chained(bytea, text);
    DROP FUNCTION billing_chain_step(bytea, bytea, text);
"""
FILLED_PERCENT = {"billing_creditaccount": 50, "billing_spending": 70, "billing_requestcount": 50}
NO_KEY = {
    "billing_generation": "billing_price",
    "billing_hold": "billing_creditaccount",
    "billing_ledgerentry": "accounts_account",
}
NO_INDEX = {"billing_hold": "account_id", "billing_ledgerentry": "actor_id"}


def lighten(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(CHAIN)
    for table, percent in FILLED_PERCENT.items():
        schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")
    for table, target in NO_KEY.items():
        for name in _names(
            schema_editor,
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid = %s::regclass AND confrelid = %s::regclass",
            [table, target],
        ):
            schema_editor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for table, column in NO_INDEX.items():
        for name in _names(
            schema_editor,
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
            " AND tablename = %s AND indexdef LIKE %s",
            [table, f"CREATE INDEX {table}_%({column})"],
        ):
            schema_editor.execute(f'DROP INDEX "{name}"')


def burden(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(NO_CHAIN)
    for table in FILLED_PERCENT:
        schema_editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    for table, column, target in [
        ("billing_generation", "price_id", "billing_price (id)"),
        ("billing_hold", "account_id", "billing_creditaccount (account_id)"),
        ("billing_ledgerentry", "account_id", "accounts_account (id)"),
    ]:
        schema_editor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY ({column})"
            f" REFERENCES {target} DEFERRABLE INITIALLY DEFERRED"
        )
    for table, column in NO_INDEX.items():
        schema_editor.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")


def _names(schema_editor, query, parameters):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [name for (name,) in cursor.fetchall()]


def _reference(to, **options):
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        db_index=False,
        related_name="+",
        to=to,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_the_audit_log_by_its_name"),
        ("billing", "0012_refusals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(lighten, burden)],
            state_operations=[
                migrations.AlterField(
                    "generation",
                    "price",
                    _reference(
                        "billing.price", db_constraint=False, null=True, verbose_name="price"
                    ),
                ),
                migrations.AlterField(
                    "hold", "account", _reference("billing.creditaccount", db_constraint=False)
                ),
                migrations.AlterField(
                    "ledgerentry",
                    "account",
                    _reference("accounts.account", db_constraint=False, verbose_name="account"),
                ),
                migrations.AlterField(
                    "ledgerentry",
                    "actor",
                    _reference(settings.AUTH_USER_MODEL, null=True, verbose_name="who"),
                ),
            ],
        ),
        migrations.AddIndex(
            "ledgerentry",
            models.Index(
                condition=models.Q(("actor__isnull", False)),
                fields=["actor"],
                name="entries_of_an_operator",
            ),
        ),
    ]
