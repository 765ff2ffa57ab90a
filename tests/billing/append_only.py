"""How the tests forge a ledger that refuses to be changed, on both stores."""

from django.db import connection

CHANGES = {
    "postgresql": "SET CONSTRAINTS ALL IMMEDIATE;"
    " ALTER TABLE billing_ledgerentry DISABLE TRIGGER ledger_is_append_only",
    "sqlite": "DROP TRIGGER ledger_refuses_update; DROP TRIGGER ledger_refuses_delete",
}


def forge(statement: str) -> None:
    """Change the ledger as somebody who owns the database can; the transaction is to be undone."""
    with connection.cursor() as cursor:
        for lift in CHANGES[connection.vendor].split("; "):
            cursor.execute(lift)
        cursor.execute(statement)
