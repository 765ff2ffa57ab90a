"""Reads long lists from a replica of the database, where DATABASE_REPLICA_URL names one.

Only what is marked `from_replica` is read there, and it may be a moment old: pages for people, never
what decides on money. A replica that is away costs a line of the log: the primary is read instead.
"""

import functools
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.models import Model

_P = ParamSpec("_P")
_T = TypeVar("_T")

ALIAS = "replica"
LEFT_ALONE_S = 5.0
"""After a failure it is not asked for so long: each page would wait for it."""

logger = logging.getLogger(__name__)
_is_read: ContextVar[bool] = ContextVar("replica_is_read", default=False)
_left_alone_until_s = 0.0


class Router:
    """Sends reads to the replica while `from_replica` says so; all else goes to the primary."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        return chosen()

    def db_for_write(self, model: type[Model], **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS  # also of what was read from the replica

    def allow_relation(self, one: Model, other: Model, **_hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def from_replica(read: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have a function read from the replica. It must return what it read, not a query yet to be run.

    What fails there is read from the primary, whose failure is the function's own.
    """

    @functools.wraps(read)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if _is_read.get() or not _is_asked():
            return read(*args, **kwargs)
        token = _is_read.set(True)
        try:
            return read(*args, **kwargs)
        except Exception as error:
            if not _is_of_database(error):
                raise
            _leave_alone(error)
        finally:
            _is_read.reset(token)
        return read(*args, **kwargs)

    return wrapper


def chosen() -> str:
    """Return the database that is read now: a query that is run later is bound to it with `using`."""
    return ALIAS if _is_read.get() else DEFAULT_DB_ALIAS


def _is_asked() -> bool:
    return ALIAS in connections.settings and time.monotonic() >= _left_alone_until_s


def _leave_alone(error: BaseException) -> None:
    global _left_alone_until_s
    connections[ALIAS].close()
    if not _is_asked():
        return  # another request has just found it away, and said so
    _left_alone_until_s = time.monotonic() + LEFT_ALONE_S
    text = " ".join(str(error.__cause__ or error).split())
    logger.warning("The read replica does not answer, the primary is read instead: %s", text)


def _is_of_database(error: BaseException | None) -> bool:
    """Say whether an exception is the database's, or was raised from one that is."""
    while error is not None:
        if isinstance(error, (DatabaseError, InterfaceError, psycopg.Error)):
            return True
        error = error.__cause__
    return False
