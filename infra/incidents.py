"""Faults that the operator hears of once: a log line and a mail when one begins, and again when it ends.

Which are open stands in the shared cache, so of several processes that see one, the first tells.
"""

import logging
from functools import partial

from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail

from infra import outbox

_PREFIX = "incident:"

logger = logging.getLogger(__name__)


def begin(name: str, subject: str, text: str) -> None:
    """Open the incident and tell, unless it is open already. It sends mail: call it off the requests' path."""
    if cache.add(_PREFIX + name, 1, timeout=None):
        logger.error("Incident %s began. %s", name, text)
        _mail(subject, text)


def end(name: str, subject: str, text: str) -> None:
    """Close the incident and tell, if it is open."""
    if cache.delete(_PREFIX + name):
        logger.warning("Incident %s ended. %s", name, text)
        _mail(subject, text)


def is_open(name: str) -> bool:
    """Say whether the incident has begun and not ended."""
    return cache.get(_PREFIX + name) is not None


def _mail(subject: str, text: str) -> None:
    if settings.ALERT_EMAIL:
        mail = partial(send_mail, subject, text, None, [settings.ALERT_EMAIL])
        outbox.send(f"to the operator, {subject!r},", mail)
