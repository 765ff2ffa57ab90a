"""Journal entries are never changed and never deleted: the database itself refuses."""

from django.db import migrations

POSTGRES = (
    """
    CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'journal entries are append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change()
    """,
)
POSTGRES_BACK = (
    "DROP TRIGGER journal_is_append_only ON accounts_auditentry",
    "DROP FUNCTION accounts_refuse_change()",
)
SQLITE = (
    """
    CREATE TRIGGER journal_refuses_update BEFORE UPDATE ON accounts_auditentry
    BEGIN SELECT RAISE(ABORT, 'journal entries are append-only'); END
    """,
    """
    CREATE TRIGGER journal_refuses_delete BEFORE DELETE ON accounts_auditentry
    BEGIN SELECT RAISE(ABORT, 'journal entries are append-only'); END
    """,
)
SQLITE_BACK = ("DROP TRIGGER journal_refuses_update", "DROP TRIGGER journal_refuses_delete")


def install(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRES if is_postgres else SQLITE:
        schema_editor.execute(statement, params=None)


def remove(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRES_BACK if is_postgres else SQLITE_BACK:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_audit")]
    operations = [migrations.RunPython(install, remove)]
