"""Mail over SMTP that counts what could not be sent, for the metrics."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from infra import shared_counts


class CountingBackend(EmailBackend):
    """Django's EMAIL_BACKEND for a service with EMAIL_URL."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send; a failure is counted and raised as ever."""
        try:
            return super().send_messages(email_messages) or 0
        except Exception:
            shared_counts.add(shared_counts.MAIL_FAILURES)
            raise
