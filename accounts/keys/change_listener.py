"""Listens for PostgreSQL's word that credentials have changed, on a connection of its own.

It saves the time until the process asks by itself: a word that is lost is made up for by the next question.
"""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.keys.change_log import CHANNEL
from infra.background import Background
from infra.own_connection import own_connection

LISTEN_S = 0.2
"""How long one wait lasts; then it is looked whether the thread is to end."""
REST_S = 1.0


class ChangeListener:
    """Calls `on_change` soon after each change that any process has committed."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._own: BaseDatabaseWrapper | None = None
        self._thread = Background(
            "credential-changes", self._listen, every_s=lambda: 0 if self._own else REST_S
        )

    def ensure_running(self) -> None:
        """Start the thread, where the database can tell: pgbouncer keeps no connection of ours to listen on."""
        if connection.vendor == "postgresql" and not settings.PGBOUNCER:
            self._thread.ensure_running()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._thread.stop()
        self._hang_up()

    def _listen(self) -> None:
        """Wait for a word, LISTEN_S at most. Raises django.db.Error."""
        try:
            if self._own is None:
                self._own = own_connection()
                with self._own.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                self._on_change()  # it may have been said while nobody listened
            with self._own.wrap_database_errors:
                for _ in self._own.connection.notifies(timeout=LISTEN_S, stop_after=1):
                    self._on_change()
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()
