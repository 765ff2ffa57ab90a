"""A mail about a row of the database, sent once though several processes look for what is due."""

import datetime as dt
import logging
from collections.abc import Callable
from smtplib import SMTPException
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

CLAIM = dt.timedelta(minutes=5)
"""A process that has not sent its mail after this long is taken for dead."""

logger = logging.getLogger(__name__)


def send_claimed(
    row: QuerySet[Any], send: Callable[[], None], *, account_id: int, sent: dict[str, Any]
) -> bool:
    """Send the mail of a row and give it the fields `sent`; say whether this was done, and by this process.

    `row` finds the row while its mail is due; it has the field `claimed_at`. A mail that cannot be sent is due
    again at once. Raises django.db.Error.
    """
    is_free = Q(claimed_at=None) | Q(claimed_at__lt=Now() - CLAIM)
    if not row.filter(is_free).update(claimed_at=Now()):
        return False
    try:
        send()
    except (OSError, SMTPException) as error:
        logger.warning("The mail to account %s was not sent: %s", account_id, error)
        row.update(claimed_at=None)
        return False
    row.update(claimed_at=None, **sent)
    return True
