"""Periodic jobs without Celery: threads of the server run the beat schedule."""

import logging
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils.module_loading import import_string

from billing import job_locks
from infra import outages
from infra.background import Background

FIRST_LOOK_S = 10.0
"""The longest wait before the first look."""
LOOKS_A_TURN = 4
"""How often within a job's period each process checks whether it is due."""

logger = logging.getLogger(__name__)


class Timer:
    """One thread a job, so that a slow job delays no other."""

    def __init__(self) -> None:
        self._threads: list[Background] = []

    def start(self) -> None:
        """Start the threads, unless Celery has a broker or they run already."""
        if settings.CELERY_BROKER_URL:
            return
        if not self._threads:
            jobs: Iterable[dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE.values()
            self._threads = [_thread(job["task"], job["schedule"]) for job in jobs]
        for thread in self._threads:
            thread.ensure_running()

    def stop(self) -> None:
        """End the threads; jobs that run are waited for."""
        for thread in self._threads:
            thread.stop()


def _thread(path: str, every_s: float) -> Background:
    return Background(
        path,
        partial(run_if_due, path, every_s),
        every_s=partial(next, _waits_s(every_s)),
    )


def _waits_s(every_s: float) -> Iterator[float]:
    """Yield the seconds before each look: the first comes early, to make up for what was missed."""
    longest_s = every_s / LOOKS_A_TURN
    yield random.uniform(0, min(FIRST_LOOK_S, longest_s))  # noqa: S311
    while True:
        yield random.uniform(0.5, 1) * longest_s  # noqa: S311


def run_if_due(path: str, every_s: float) -> None:
    """Run the task at a dotted path if it is due and free; a failure is logged."""
    try:
        holder = job_locks.take(path, every_s)
        if holder is None:
            return
        try:
            task: Callable[[], Any] = import_string(path)
            task()
        except Exception:
            logger.exception("The periodic job %s failed.", path)
        else:
            job_locks.succeeded(path)
        job_locks.give_back(path, holder, every_s)
    except (DatabaseError, InterfaceError) as error:
        outages.log_failure(logger, f"The periodic job {path} waits for the database", error)
    finally:
        _let_go()


def _let_go() -> None:
    try:
        connection.close()
    except (DatabaseError, InterfaceError):
        connection.connection = None


timer = Timer()
start = timer.start
