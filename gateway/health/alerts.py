"""Tell the operator what only a person can mend: a refused credential, a model that is gone."""

import logging
import threading
import time
from collections.abc import Callable
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from gateway.health.events import Note

SILENCE_S = 3600
"""Once told, a case is not told again for so long."""

logger = logging.getLogger(__name__)


class Alerts:
    """Each case once an hour. `is_first` asks the other processes: (name, seconds) → nobody has told."""

    def __init__(
        self, is_first: Callable[[str, int], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_first = is_first
        self._clock = clock
        self._lock = threading.Lock()
        self._told_at: dict[str, float] = {}

    def note(self, note: Note) -> None:
        """Tell of a note that asks for it, in a thread of its own: a mail takes time."""
        if note.kind == "refused":
            case = f"{note.provider}/{note.credential}"
        elif note.kind == "missing":
            case = f"{note.provider}/{note.upstream_id}"
        else:
            return
        with self._lock:
            told_at = self._told_at.get(case)
            if told_at is not None and self._clock() - told_at < SILENCE_S:
                return
            self._told_at[case] = self._clock()
        threading.Thread(target=self._tell, args=(case, note), name="alert", daemon=True).start()

    def _tell(self, case: str, note: Note) -> None:
        if not self._is_first(case, SILENCE_S):
            return
        values = {
            "provider": note.provider,
            "credential": note.credential,
            "model": note.upstream_id,
        }
        if note.kind == "refused":
            logger.error("%(provider)s refuses our credential %(credential)s.", values)
            subject = _("XRouter: %(provider)s refuses a credential") % values
            text = _(
                "%(provider)s answered 401, 402 or 403 to the credential %(credential)s. Requests go to"
                " other credentials and providers meanwhile; this one is tried again from time to"
                " time.\n\nCheck that it is valid and paid for.\n"
            )
        else:
            logger.error("%(provider)s knows no model %(model)s.", values)
            subject = _("XRouter: %(provider)s has no model %(model)s") % values
            text = _(
                "%(provider)s answered 404 to a request for the model %(model)s.\n\n"
                "Correct or disable its route in the catalogue.\n"
            )
        if not settings.ALERT_EMAIL:
            return
        try:
            send_mail(subject, text % values, None, [settings.ALERT_EMAIL])
        except (OSError, SMTPException) as error:
            logger.warning("The mail about %s was not sent: %s", case, error)
