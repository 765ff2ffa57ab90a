"""A named daemon thread that runs one function again and again: periodically, and when it is woken.

It starts when it is first needed and once more in a forked child, which inherits no threads. It is
built of `threading` alone, so under gevent's monkey patching it is a greenlet.
"""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from infra import outages

logger = logging.getLogger(__name__)


class Background:
    """Calls `run` every `every_s` seconds and after each `wake`, never twice at once.

    `every_s` may be a function, asked before each wait; None means: only when woken. The first call comes
    after the first wait. Between two calls lie at least `pause_s`, however often it is woken. Of
    failures in a row the first is logged. A wake-up before the start is lost.
    """

    _thread: threading.Thread | None

    def __init__(
        self,
        name: str,
        run: Callable[[], object],
        *,
        every_s: float | Callable[[], float | None] | None,
        pause_s: float = 0.0,
    ) -> None:
        self._name = name
        self._run = run
        self._every_s = every_s
        self._pause_s = pause_s
        self._reset()
        _all.add(self)

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def ensure_running(self) -> bool:
        """Start the thread unless it runs; say whether this call started it."""
        if self._thread is not None:
            return False
        with self._lock:
            return self._start()

    def wake(self) -> None:
        """Have `run` called soon; if it is running now, once more after that."""
        self._is_woken.set()

    def stop(self) -> None:
        """End the thread and wait for a call that is running; `ensure_running` starts it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._is_woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> bool:
        if self._thread is not None:
            return False  # another caller was faster
        self._is_woken = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, args=(self._is_woken,), name=self._name, daemon=True
        )
        self._thread.start()
        return True

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._is_woken = threading.Event()
        self._is_failing = False
        self._thread = None

    def _loop(self, is_woken: threading.Event) -> None:
        try:
            self._call_again_and_again(is_woken)
        finally:
            if self._thread is threading.current_thread():
                self._thread = None

    def _call_again_and_again(self, is_woken: threading.Event) -> None:
        while True:
            is_woken.wait(self._every_s() if callable(self._every_s) else self._every_s)
            # Stopped; or a greenlet of the parent that gevent carried over a fork.
            if self._thread is not threading.current_thread():
                return
            is_woken.clear()
            self._call()
            if self._pause_s:
                time.sleep(self._pause_s)

    def _call(self) -> None:
        try:
            self._run()
        except Exception as error:
            if outages.is_outage(error):
                outages.database.note(error)
                return
            if not self._is_failing:
                logger.exception("The background thread %s fails; it goes on trying.", self._name)
            self._is_failing = True
        else:
            if self._is_failing:
                logger.info("The background thread %s works again.", self._name)
            self._is_failing = False


def _reset_all() -> None:
    for background in list(_all):
        background._reset()


_all: weakref.WeakSet[Background] = weakref.WeakSet()
os.register_at_fork(after_in_child=_reset_all)
