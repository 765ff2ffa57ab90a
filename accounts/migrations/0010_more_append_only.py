"""The audit log refuses TRUNCATE and REPLACE too, and so do security events all changes."""

from django.db import migrations

AUDIT, EVENT, CONFIRMATION = (
    *("accounts_auditentry", "accounts_securityevent", "accounts_eventconfirmation"),
)
POSTGRES = (
    """
    CREATE FUNCTION accounts_only_append() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    f"""
    CREATE TRIGGER journal_refuses_truncate BEFORE TRUNCATE ON {AUDIT}
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_only_append()
    """,
    *(
        f"""
        CREATE TRIGGER {table}_refuses_{name} BEFORE {events} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounts_only_append()
        """
        for table in (EVENT, CONFIRMATION)
        for name, events in (("change", "UPDATE OR DELETE"), ("truncate", "TRUNCATE"))
    ),
)
POSTGRES_BACK = (
    f"DROP TRIGGER journal_refuses_truncate ON {AUDIT}",
    *(
        f"DROP TRIGGER {table}_refuses_{name} ON {table}"
        for table in (EVENT, CONFIRMATION)
        for name in ("change", "truncate")
    ),
    "DROP FUNCTION accounts_only_append()",
)
# INSERT OR REPLACE deletes what is in its way, and tells no trigger of it.
SQLITE = (
    f"""
    CREATE TRIGGER journal_refuses_replace BEFORE INSERT ON {AUDIT}
    WHEN EXISTS (SELECT 1 FROM {AUDIT}
        WHERE id = NEW.id OR previous = NEW.previous OR digest = NEW.digest)
    BEGIN SELECT RAISE(ABORT, '{AUDIT} is append-only'); END
    """,  # noqa: S608 -- the names are ours
    *(
        f"""
        CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
        """
        for table in (EVENT, CONFIRMATION)
        for event in ("UPDATE", "DELETE")
    ),
    *(
        f"""
        CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id{more})
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
        """  # noqa: S608
        for table, more in ((EVENT, ""), (CONFIRMATION, " OR event_id = NEW.event_id"))
    ),
)
SQLITE_BACK = (
    "DROP TRIGGER journal_refuses_replace",
    *(
        f"DROP TRIGGER {table}_refuses_{name}"
        for table in (EVENT, CONFIRMATION)
        for name in ("update", "delete", "replace")
    ),
)


def install(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRES if is_postgres else SQLITE:
        schema_editor.execute(statement, params=None)


def remove(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRES_BACK if is_postgres else SQLITE_BACK:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_security")]
    operations = [migrations.RunPython(install, remove)]
