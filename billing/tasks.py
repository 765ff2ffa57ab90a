"""The periodic tasks of billing. Each may run twice, late, in parallel, or be killed."""

import io
import logging

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.core.management import CommandError, call_command
from django.utils.translation import gettext as _

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
    """Compute every balance and every day of usage again; drift is an error in the log, and a mail."""
    output = io.StringIO()
    found = []
    try:
        call_command("audit_ledger", stdout=output)
    except CommandError as error:
        found.append(f"{error}\n{output.getvalue()}")
    found += [f"Usage does not add up: {drift}" for drift in usage.find_drift()]
    for text in found:
        logger.error("%s", text)
    if found and settings.ALERT_EMAIL:
        send_mail(
            _("XRouter: the books do not add up"), "\n".join(found), None, [settings.ALERT_EMAIL]
        )


@shared_task
def poll_payments() -> None:
    """Ask for the payments whose notice has not come."""
    payments.poll_pending()


@shared_task
def send_low_balance_alerts() -> None:
    """Mail the accounts whose balance has fallen below what they chose."""
    low_balance.send_due()
