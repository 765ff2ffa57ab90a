"""Leases of periodic jobs: of all processes, one runs a job when it is due."""

import datetime as dt
import uuid

from django.db import models
from django.db.models.functions import Now

LEAST_LEASE_S = 60.0


class JobLease(models.Model):
    """A job is due, and nobody runs it, when `due_at` is past by the database's clock."""

    job = models.TextField(primary_key=True)
    due_at = models.DateTimeField()
    holder = models.UUIDField()

    def __str__(self) -> str:
        return self.job


def take(job: str, every_s: float) -> uuid.UUID | None:
    """Return a lease where the job is due, None where it is not or another process has it.

    Who dies with a lease keeps the job from the others for two turns, or a minute. Raises
    django.db.Error.
    """
    holder = uuid.uuid4()
    lease = dt.timedelta(seconds=max(2 * every_s, LEAST_LEASE_S))
    if not JobLease.objects.filter(job=job, due_at__gt=Now()).exists():
        new = JobLease(job=job, due_at=dt.datetime.fromtimestamp(0, dt.UTC), holder=holder)
        JobLease.objects.bulk_create([new], ignore_conflicts=True)
        due = JobLease.objects.filter(job=job, due_at__lte=Now())
        if due.update(due_at=Now() + lease, holder=holder):
            return holder
    return None


def give_back(job: str, holder: uuid.UUID, every_s: float) -> None:
    """Have the job due again after `every_s`. Raises django.db.Error."""
    pause = dt.timedelta(seconds=every_s)
    JobLease.objects.filter(job=job, holder=holder).update(due_at=Now() + pause)
