"""Django's own backend; OPTIONS["session"] names what is SET on each new connection.

As start-up options they would be refused by pgbouncer. A connection of the pool is asked once, not at each use.
"""

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
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

    def _configure_connection(self, connection: Any) -> bool:
        to_commit: bool = super()._configure_connection(connection)  # type: ignore[misc]  # the stubs lack it
        session = self.settings_dict["OPTIONS"].get("session", {})
        self.set_session(connection, session)
        return to_commit or bool(session)
