"""What a process remembers of the database: compared with it again and again, kept while it is away."""

import logging
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from django.db import Error as DatabaseError
from django.db import connection

from infra import outages
from infra.background import Background

AHEAD_S = 0.8
"""How often the thread of a server process looks: before a request would have to."""

Value = TypeVar("Value")

logger = logging.getLogger(__name__)


class LiveCopy(ABC, Generic[Value]):
    """One value for all threads of a process: one of them looks while the others use the last.

    A server process has a thread that looks, so that a request does only for what nobody has asked for of
    late, and for nothing that is known while the database is away: each look would take it seconds.
    `clock` returns monotonic seconds.
    """

    name: ClassVar[str]
    """As the log begins a sentence: "The catalogue"."""
    every_s: ClassVar[float] = 1.0
    unavailable: ClassVar[type[Exception]] = DatabaseError
    """What `current` raises where the database has never answered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due_s = float("-inf")
        self._is_asked_for = False
        self._value: Value | None = None
        _all.add(self)

    @abstractmethod
    def _look(self) -> None:
        """Set `_value` to what is in the database now."""

    def current(self) -> Value:
        """Return the value, at most `every_s` old, or older while the database is away.

        Raises `unavailable`.
        """
        self._is_asked_for = True
        if self._clock() >= self._due_s and not self._is_left_to_the_thread():
            was_connected = connection.connection is not None
            self._look_if_due(within_s=0.0)
            if not was_connected:  # a provider may be about to talk, for long
                connection.close()
        if self._value is None:
            raise self.unavailable(f"{self.name} could not be read.")
        return self._value

    def look_ahead(self) -> None:
        """Look if it is almost due, unless nobody has asked since the last look."""
        if self._is_asked_for:
            self._look_if_due(within_s=AHEAD_S)

    def reset(self) -> None:
        """Have the next call of `current` look."""
        self._due_s = float("-inf")

    def _is_left_to_the_thread(self) -> bool:
        return self._value is not None and _outage.is_set() and _background.is_running

    def _look_if_due(self, *, within_s: float) -> None:
        if not self._lock.acquire(blocking=self._value is None):
            return
        try:
            if self._clock() + within_s < self._due_s:
                return
            self._is_asked_for = False
            try:
                self._look()
            except DatabaseError as error:
                if outages.is_outage(error):
                    _outage.set()
                    outages.database.note(error)
                else:
                    logger.warning("%s could not be read.", self.name, exc_info=True)
            else:
                _outage.clear()
            finally:
                self._due_s = self._clock() + self.every_s
        finally:
            self._lock.release()


def _look_ahead() -> None:
    try:
        for copy in list(_all):
            copy.look_ahead()
    finally:
        connection.close()


_outage = threading.Event()
"""Set from a look that met no database to the next one that did, whosever they were."""
_all: weakref.WeakSet[LiveCopy[Any]] = weakref.WeakSet()
_background = Background("live copies", _look_ahead, every_s=AHEAD_S)
start, stop = _background.ensure_running, _background.stop
