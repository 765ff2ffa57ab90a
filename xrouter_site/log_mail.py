"""Mail where there is no mail server: every message becomes a line of the log."""

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)


class LogBackend(BaseEmailBackend):
    """Django's EMAIL_BACKEND for a service without EMAIL_URL."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            logger.info(
                "Mail to %s: %s\n%s", ", ".join(message.recipients()), message.subject, message.body
            )
        return len(email_messages)
