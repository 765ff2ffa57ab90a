"""Tell the operator when a periodic job has not ended well for too long, wherever it should run."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import job_locks
from infra import incidents

TURNS, GRACE = 3, timedelta(minutes=5)
"""A job is late when it has missed so many turns and a little more."""

_started_at = timezone.now()


def overdue(since: Mapping[str, datetime], now: datetime) -> list[str]:
    """Return the jobs that ended well too long before `now`, by when each did."""
    return [
        task
        for task, every in _periods().items()
        if task in since and now - since[task] > TURNS * every + GRACE
    ]


def tell() -> None:
    """Open an incident for each late job, and close those of jobs that ended well again.

    Raises django.db.Error.
    """
    successes = job_locks.successes()
    since = {task: max(successes.get(task, _started_at), _started_at) for task in _periods()}
    late = overdue(since, timezone.now())
    for task in _periods():
        values = {"job": task}
        if task in late:
            incidents.begin(
                f"late/{task}",
                _("XRouter: the job %(job)s is late") % values,
                _(
                    "The periodic job %(job)s has not ended well for more than three turns. Look at the"
                    " log of the Celery worker and of its beat, or of the server where there is no"
                    " broker."
                )
                % values,
            )
        elif task in successes:
            incidents.end(
                f"late/{task}",
                _("XRouter: the job %(job)s runs again") % values,
                _("The periodic job %(job)s has ended well again.") % values,
            )


def _periods() -> dict[str, timedelta]:
    jobs: Iterable[dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE.values()
    return {job["task"]: timedelta(seconds=job["schedule"]) for job in jobs}
