"""Tells the operator of a payment that people have to look at: an error in the log, and a mail."""

import logging
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from infra import outbox

logger = logging.getLogger(__name__)


def tell(text: str) -> None:
    """Say it once the transaction is committed; mail waits for a server that is away."""
    transaction.on_commit(lambda: _tell(text), robust=True)


def _tell(text: str) -> None:
    logger.error("%s", text)
    if settings.ALERT_EMAIL:
        subject = _("XRouter: look at a payment")
        mail = partial(send_mail, subject, text, None, [settings.ALERT_EMAIL])
        outbox.send("to the operator about a payment", mail)
