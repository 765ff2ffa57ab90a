"""The mail about a security event to the account's owner: one an event, sent beside the request."""

from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.security.models import SecurityEvent
from accounts.security.words import consequence, explanation
from infra import outbox


def tell(event_id: int) -> None:
    """Mail the owner of the event's account soon."""
    outbox.post(f"about security event {event_id}", partial(send, event_id))


def send(event_id: int) -> None:
    """Mail it now. Raises OSError where the mail server does not take it, django.db.Error."""
    events = SecurityEvent.objects.select_related("account__owner", "api_key")
    event = events.filter(pk=event_id).first()
    if event is None or event.account is None:
        return
    owner = event.account.owner
    with override(owner.mail_language):
        page = f"{settings.PUBLIC_URL}/cabinet/security/"
        text = "\n\n".join((explanation(event), consequence(event), page)) + "\n"
        subject = _("XRouter: %(signal)s") % {"signal": event.get_signal_display()}
    send_mail(subject, text, None, [owner.email])
