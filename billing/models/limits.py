"""The table of requests counted against limits."""

from django.db import models


class RequestCount(models.Model):
    """The admitted requests of one account or key: today's number, and the latest times.

    `stamps` are Unix times in microseconds, 16 digits each, the newest first, without separators.
    `day` is Moscow's date and never goes back.
    """

    owner = models.CharField(max_length=40, primary_key=True)
    day = models.DateField()
    day_requests = models.PositiveIntegerField()
    stamps = models.TextField()

    def __str__(self) -> str:
        return f"{self.owner}: {self.day_requests} on {self.day}"
