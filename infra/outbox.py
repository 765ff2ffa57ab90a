"""Mails that wait in this process for a mail server that is away, and go out when it is back."""

import logging
from collections import deque
from collections.abc import Callable
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.db import connection

from infra.background import Background
from infra.outages import Outage

WAITING_MAX = 10_000
RETRY_S = 60.0
"""How long a mail waits for a mail server or a database that is away."""

logger = logging.getLogger(__name__)

_server = Outage("The mail server")
_waiting: deque[tuple[str, Callable[[], object]]] = deque(maxlen=WAITING_MAX)


def send(about: str, mail: Callable[[], object]) -> None:
    """Call `mail`, which sends one; again each minute while the mail server is away.

    Where others wait already it waits with them, and not for a server that may say nothing. `about` tells in
    the log whose it is and what it says.
    """
    if _waiting or not _is_done(about, mail):
        post(about, mail)


def post(about: str, mail: Callable[[], object]) -> None:
    """Have it sent soon, on a thread of its own: a mail takes time. `mail` may ask the database."""
    _waiting.append((about, mail))
    _sender.ensure_running()
    _sender.wake()


def send_waiting() -> None:
    """Send what waits. While the mail server is away it goes on waiting; a mail that it refuses is logged.

    Raises django.db.Error.
    """
    while _waiting and _is_done(*_waiting[0]):
        _waiting.popleft()


def wait_s() -> float | None:
    """Return how long what waits goes on waiting, None where nothing does."""
    return RETRY_S if _waiting else None


def _is_done(about: str, mail: Callable[[], object]) -> bool:
    """Try to send; say whether nothing is left to do, as for a mail that the server refuses."""
    try:
        mail()
    except (OSError, SMTPException) as error:
        if not _is_refused(error):
            _server.note(error)
            return False
        logger.warning("The mail %s was refused: %s", about, error)
    else:
        _server.over()
    return True


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


def _send() -> None:
    try:
        send_waiting()
    finally:
        connection.close()


_sender = Background("mails", _send, every_s=wait_s)
