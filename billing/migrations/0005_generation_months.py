"""On PostgreSQL the generations' table becomes one of months: ranges of its time-ordered id."""

import datetime as dt

from django.db import migrations

from billing.usage import partitions
from billing.usage.generation_ids import time_of
from infra.moscow_time import moscow_day


def divide(apps, schema_editor):
    """Make the table anew, partitioned, with the months of its rows, and move them."""
    if schema_editor.connection.vendor != "postgresql":
        return
    generation = apps.get_model("billing", "Generation")
    plain = schema_editor.sql_create_table
    schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE (id)"
    _set_aside(schema_editor)
    schema_editor.create_model(generation)
    schema_editor.sql_create_table = plain
    schema_editor.execute(
        f"CREATE TABLE {partitions.DEFAULT} PARTITION OF {partitions.TABLE} DEFAULT"
    )
    for month in _months_of_rows(schema_editor):
        partitions.make(month)
    partitions.make_ahead()
    _move_rows(schema_editor)


def unite(apps, schema_editor):
    """Make the table anew, of one piece."""
    if schema_editor.connection.vendor != "postgresql":
        return
    _set_aside(schema_editor)
    schema_editor.create_model(apps.get_model("billing", "Generation"))
    _move_rows(schema_editor)


def _set_aside(schema_editor):
    schema_editor.execute("SET LOCAL statement_timeout = 0")
    schema_editor.execute("DROP INDEX generations_of_an_account, generations_of_a_key")
    schema_editor.execute("ALTER TABLE billing_generation RENAME TO billing_generation_before")
    schema_editor.execute(
        "ALTER INDEX billing_generation_pkey RENAME TO billing_generation_before_pkey"
    )


def _move_rows(schema_editor):
    schema_editor.execute("INSERT INTO billing_generation SELECT * FROM billing_generation_before")
    schema_editor.execute("DROP TABLE billing_generation_before")


def _months_of_rows(schema_editor):
    """Return the months from the oldest row to this one; what else there is goes by default."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM billing_generation_before WHERE id >= %s ORDER BY id LIMIT 1",
            [partitions.bounds(dt.date(2020, 1, 1))[0]],
        )
        oldest = cursor.fetchone()
        cursor.execute("SELECT now()")
        [now] = cursor.fetchone()
    month, this_month = (moscow_day(now).replace(day=1),) * 2
    months = []
    if oldest:
        month = moscow_day(time_of(oldest[0])).replace(day=1)
    while month < this_month:
        months.append(month)
        month = partitions.next_month(month)
    return months


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_usage_days")]
    operations = [migrations.RunPython(divide, unite)]
