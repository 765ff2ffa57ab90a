"""The mail about a security event to the account's owner: one an event, sent beside the request."""

import logging
from collections import deque
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import send_mail
from django.db import connection
from django.utils.translation import gettext as _

from accounts.security.models import SecurityEvent
from accounts.security.words import consequence, explanation
from infra.background import Background

WAITING_MAX = 10_000
RETRY_S = 60.0
"""How long a mail waits for a mail server or a database that is away."""

logger = logging.getLogger(__name__)

_waiting: deque[int] = deque(maxlen=WAITING_MAX)


def tell(event_id: int) -> None:
    """Mail the owner of the event's account soon: a mail takes time."""
    _waiting.append(event_id)
    _sender.ensure_running()
    _sender.wake()


def send_waiting() -> None:
    """Send what waits. While the mail server is away it goes on waiting; a mail that it refuses is logged.

    Raises django.db.Error.
    """
    while _waiting:
        event_id = _waiting[0]
        try:
            _mail(event_id)
        except (OSError, SMTPException) as error:
            logger.warning("The mail about event %d was not sent: %s", event_id, error)
            if not _is_refused(error):
                return
        _waiting.popleft()


def _mail(event_id: int) -> None:
    events = SecurityEvent.objects.select_related("account__owner", "api_key")
    event = events.filter(pk=event_id).first()
    if event is None or event.account is None:
        return
    page = f"{settings.PUBLIC_URL}/cabinet/security/"
    text = "\n\n".join((explanation(event), consequence(event), page)) + "\n"
    subject = _("XRouter: %(signal)s") % {"signal": event.get_signal_display()}
    send_mail(subject, text, None, [event.account.owner.email])


def _is_refused(error: Exception) -> bool:
    """Say whether the server will not have this mail, as it answers by a code of 500 and above."""
    match error:
        case SMTPRecipientsRefused():
            codes = [code for code, _text in error.recipients.values()]
        case SMTPResponseException():
            codes = [error.smtp_code]
        case _:
            return False
    return min(codes) >= 500


def wait_s() -> float | None:
    """Return how long what waits goes on waiting, None where nothing does."""
    return RETRY_S if _waiting else None


def _send() -> None:
    try:
        send_waiting()
    finally:
        connection.close()


_sender = Background("security mails", _send, every_s=wait_s)
