"""The periodic tasks of accounts. Each may safely run twice, late, in parallel, or be killed."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import Grant

from accounts.keys import change_log
from accounts.models import OneClickCode


def clear_stale() -> None:
    """Delete expired sessions, with where they were, and codes; ended tokens stay: usage refers to them."""
    call_command("clearsessions")
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    change_log.forget_old()
    now = timezone.now()
    Grant.objects.filter(expires__lt=now).delete()
    OneClickCode.objects.filter(api_key=None, expires_at__lt=now).delete()
