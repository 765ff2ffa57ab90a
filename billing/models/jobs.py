"""The tables of periodic jobs: when each is due, which process runs it, and when it last ended well."""

from django.db import models


class JobLease(models.Model):
    """A job is due and free once `due_at` has passed by the database's clock."""

    job = models.TextField(primary_key=True)
    due_at = models.DateTimeField()
    holder = models.UUIDField()

    def __str__(self) -> str:
        return self.job


class JobSuccess(models.Model):
    """When a job last ended well, wherever it ran."""

    job = models.TextField(primary_key=True)
    succeeded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.job
