"""The periodic tasks of accounts. Each may run twice, late, in parallel, or be killed."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import Grant

from accounts.models import OneClickCode


@shared_task
def clear_stale() -> None:
    """Delete the sessions and the codes that have expired; ended tokens stay, for usage names them."""
    call_command("clearsessions")
    now = timezone.now()
    Grant.objects.filter(expires__lt=now).delete()
    OneClickCode.objects.filter(api_key=None, expires_at__lt=now).delete()
