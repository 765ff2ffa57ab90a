"""Periodic jobs in the database: of all processes, one runs a job when it is due; and what ended well."""

import datetime as dt
import uuid

from django.db.models.functions import Now
from django.utils import timezone

from billing.models import JobLease, JobSuccess

SHORTEST_LOCK_S = 60.0


def take(job: str, every_s: float) -> uuid.UUID | None:
    """Return the holder's id if the job is due and free, else None.

    The lock of a process that died expires after two periods, but not before a minute. Raises
    django.db.Error.
    """
    holder = uuid.uuid4()
    held_for = dt.timedelta(seconds=max(2 * every_s, SHORTEST_LOCK_S))
    if not JobLease.objects.filter(job=job, due_at__gt=Now()).exists():
        new = JobLease(job=job, due_at=dt.datetime.fromtimestamp(0, dt.UTC), holder=holder)
        JobLease.objects.bulk_create([new], ignore_conflicts=True)
        due = JobLease.objects.filter(job=job, due_at__lte=Now())
        if due.update(due_at=Now() + held_for, holder=holder):
            return holder
    return None


def give_back(job: str, holder: uuid.UUID, every_s: float) -> None:
    """Release the lock; the job is due again after `every_s`. Raises django.db.Error."""
    pause = dt.timedelta(seconds=every_s)
    JobLease.objects.filter(job=job, holder=holder).update(due_at=Now() + pause)


def succeeded(job: str) -> None:
    """Note that a job has just ended well. Raises django.db.Error."""
    JobSuccess.objects.update_or_create(job=job, defaults={"succeeded_at": timezone.now()})


def successes() -> dict[str, dt.datetime]:
    """Return when each job last ended well. Raises django.db.Error."""
    return dict(JobSuccess.objects.values_list("job", "succeeded_at"))
