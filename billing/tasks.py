"""The periodic tasks of billing. Each may run twice, late, in parallel, or be killed."""

import io
import logging

from celery import shared_task
from django.core.management import CommandError, call_command

from billing import low_balance, partitions, payments, retention, usage

logger = logging.getLogger(__name__)


@shared_task
def aggregate_usage() -> None:
    """Count what was settled since the last time into the days of usage."""
    usage.aggregate()


@shared_task
def keep_generations() -> None:
    """Make the partitions of the coming months, and delete the generations that are old."""
    partitions.make_ahead()
    retention.drop_old()


@shared_task
def audit_books() -> None:
    """Compute every balance and every day of usage again; drift is an error in the log."""
    output = io.StringIO()
    try:
        call_command("audit_ledger", stdout=output)
    except CommandError as error:
        logger.error("%s\n%s", error, output.getvalue())
    for drift in usage.find_drift():
        logger.error("Usage does not add up: %s", drift)


@shared_task
def poll_payments() -> None:
    """Ask for the payments whose notice has not come."""
    payments.poll_pending()


@shared_task
def send_low_balance_alerts() -> None:
    """Mail the accounts whose balance has fallen below what they chose."""
    low_balance.send_due()
