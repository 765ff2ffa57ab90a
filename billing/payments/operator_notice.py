"""Tells the operator of a payment that people have to look at: an error in the log, and a mail."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)


def tell(text: str) -> None:
    """Say it once the transaction is committed; mail that does not go out is logged."""
    transaction.on_commit(lambda: _tell(text), robust=True)


def _tell(text: str) -> None:
    logger.error("%s", text)
    if not settings.ALERT_EMAIL:
        return
    try:
        send_mail(_("XRouter: look at a payment"), text, None, [settings.ALERT_EMAIL])
    except OSError:
        logger.exception("The operator could not be mailed.")
