"""The periodic jobs where there is no Celery: threads of the server run its beat schedule themselves."""

import logging
import os
import random
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils.module_loading import import_string

from billing import job_leases

LOOKS_A_TURN = 4
"""How often in a job's turn each process looks whether it is due."""

logger = logging.getLogger(__name__)


class Timer:
    """One daemon thread a job, so that a slow job delays no other."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must: threads do not survive a fork."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads, unless Celery has a broker or they run already."""
        with self._lock:
            if settings.CELERY_BROKER_URL or self._threads:
                return
            self._threads = [
                threading.Thread(
                    target=self._run, args=(entry["task"], entry["schedule"]), daemon=True
                )
                for entry in settings.CELERY_BEAT_SCHEDULE.values()
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the threads; jobs that run are waited for."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.forget()

    def _run(self, path: str, every_s: float) -> None:
        while not self._stopping.wait(random.uniform(0.5, 1) * every_s / LOOKS_A_TURN):  # noqa: S311
            run_if_due(path, every_s)


def run_if_due(path: str, every_s: float) -> None:
    """Run the task at a dotted path if it is due here and now; a failure is logged."""
    try:
        lease = job_leases.take(path, every_s)
        if lease is None:
            return
        try:
            task: Callable[[], Any] = import_string(path)
            task()
        except Exception:
            logger.exception("The periodic job %s failed.", path)
        job_leases.give_back(path, lease, every_s)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The periodic job %s waits for the database: %s", path, error)
    finally:
        _let_go()


def _let_go() -> None:
    try:
        connection.close()
    except (DatabaseError, InterfaceError):
        connection.connection = None


timer = Timer()
start = timer.start
os.register_at_fork(after_in_child=timer.forget)
