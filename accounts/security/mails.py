"""The mail about a security event to the account's owner: one an event, sent beside the request."""

import logging
from collections import deque
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection
from django.utils.translation import gettext as _

from accounts.security.models import SecurityEvent
from accounts.security.words import consequence, explanation
from infra.background import Background

WAITING_MAX = 10_000

logger = logging.getLogger(__name__)

_waiting: deque[int] = deque(maxlen=WAITING_MAX)


def tell(event_id: int) -> None:
    """Mail the owner of the event's account soon: a mail takes time."""
    _waiting.append(event_id)
    _sender.ensure_running()
    _sender.wake()


def send_waiting() -> None:
    """Send what waits; what cannot be sent is logged."""
    while _waiting:
        event_id = _waiting.popleft()
        event = SecurityEvent.objects.select_related("account__owner", "api_key").get(pk=event_id)
        account = event.account
        if account is None:
            continue
        page = f"{settings.PUBLIC_URL}/cabinet/security/"
        text = "\n\n".join((explanation(event), consequence(event), page)) + "\n"
        subject = _("XRouter: %(signal)s") % {"signal": event.get_signal_display()}
        try:
            send_mail(subject, text, None, [account.owner.email])
        except (OSError, SMTPException) as error:
            logger.warning("The mail about event %d was not sent: %s", event_id, error)


def _send() -> None:
    try:
        send_waiting()
    finally:
        connection.close()


_sender = Background("security mails", _send, every_s=None)
