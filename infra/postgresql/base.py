"""Django's own backend; OPTIONS["session"] names what is SET on each new connection.

As start-up options they would be refused by pgbouncer. A connection of the pool is asked once, not at each use.
"""

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus

SILENCE_S = 6.0
"""How long a server may say nothing: longer than its own time-out of a statement, of which it would tell."""


class ImpatientConnection(psycopg.Connection[Any]):
    """psycopg's connection, which is lost when its server is silent for too long.

    A frozen server acts on none of its own time-outs, while its machine keeps the connection alive.
    `longest_silence_s` may be raised, and is for the rest of the running transaction.
    """

    usual_silence_s: float | None = SILENCE_S
    longest_silence_s: float | None = SILENCE_S

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            self.longest_silence_s = self.usual_silence_s
        try:
            return super().wait(gen, interval, self.longest_silence_s)
        except _WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("The database is silent.") from None


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool["connection_class"] = ImpatientConnection
        super().__init__(settings_dict, alias)

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.pop("session", None)
        return params

    def set_session(self, connection: Any, session: dict[str, str]) -> None:
        """Set PostgreSQL's parameters, by their names, for as long as the connection lives."""
        if session:
            connection.execute(
                "; ".join(f"SET {name} = '{value}'" for name, value in session.items())
            )
            is_limited = session["statement_timeout"] != "0"
            connection.usual_silence_s = SILENCE_S if is_limited else None

    def _configure_connection(self, connection: Any) -> bool:
        to_commit: bool = super()._configure_connection(connection)  # type: ignore[misc]  # the stubs lack it
        session = self.settings_dict["OPTIONS"].get("session", {})
        self.set_session(connection, session)
        return to_commit or bool(session)
