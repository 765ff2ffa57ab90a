"""Tell the operator what requests to providers show: a refused credential, a model not had, an outage."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from django.utils.translation import gettext as _

from gateway.health.events import Note
from gateway.health.status import ProviderStatus
from infra import incidents
from infra.background import Background


class Alerts:
    """Opens an incident for each credential that is refused and each model that is gone or not paid for.

    It is closed when a request with it goes well, by a process that had seen it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._pending: deque[Callable[[], None]] = deque()
        self._background = Background("alerts", self._tell_all, every_s=None)

    def note(self, note: Note) -> None:
        """Take what came of a request; the operator is told in the background, for a mail takes time."""
        if note.kind not in ("refused", "missing", "unpaid") and not self._open:
            return
        refused = f"refused/{note.provider}/{note.credential}"
        missing = f"missing/{note.provider}/{note.upstream_id}"
        unpaid = f"unpaid/{note.provider}/{note.credential}/{note.upstream_id}"
        if note.kind == "refused":
            self._begin(refused, partial(_credential_refused, refused, note))
        elif note.kind == "missing":
            self._begin(missing, partial(_model_missing, missing, note))
        elif note.kind == "unpaid":
            self._begin(unpaid, partial(_model_unpaid, unpaid, note))
        elif note.kind == "finished" and self._open:
            self._end(refused, partial(_credential_accepted, refused, note))
            self._end(missing, partial(_model_found, missing, note))
            self._end(unpaid, partial(_model_paid, unpaid, note))

    def stop(self) -> None:
        """End the thread."""
        self._background.stop()

    def _begin(self, case: str, tell: Callable[[], None]) -> None:
        with self._lock:
            if case in self._open:
                return
            self._open.add(case)
        self._tell(tell)

    def _end(self, case: str, tell: Callable[[], None]) -> None:
        with self._lock:
            if case not in self._open:
                return
            self._open.discard(case)
        self._tell(tell)

    def _tell(self, tell: Callable[[], None]) -> None:
        self._background.ensure_running()
        self._pending.append(tell)
        self._background.wake()

    def _tell_all(self) -> None:
        while self._pending:
            self._pending.popleft()()


def tell_outages(
    statuses: Iterable[ProviderStatus], cause_of: Callable[[str], str] = lambda provider: ""
) -> None:
    """Open an incident for each provider that is down; close it once requests to it go well again.

    `cause_of` returns why a provider failed last, "" where that is not known.
    """
    for status in statuses:
        name, values = f"outage/{status.provider}", {"provider": status.provider}
        if status.word == "down":
            incidents.begin(
                name,
                _("XRouter: %(provider)s is down") % values,
                _(
                    "%(provider)s fails: no request to it goes well. Its models are answered by other"
                    " providers where there are any, and refused where there are none."
                )
                % values
                + _because(cause_of(status.provider)),
            )
        elif status.asked and status.success_rate > 0:
            incidents.end(
                name,
                _("XRouter: %(provider)s answers again") % values,
                _("%(provider)s answers again.") % values,
            )


def _because(cause: str) -> str:
    return "\n\n" + _("Last failure: %(cause)s") % {"cause": cause} if cause else ""


def _named(note: Note) -> dict[str, str]:
    return {"provider": note.provider, "credential": note.credential, "model": note.upstream_id}


def _credential_refused(name: str, note: Note) -> None:
    values = _named(note)
    text = _(
        "%(provider)s answered 401, 402 or 403 to the credential %(credential)s. Requests go to"
        " other credentials and providers meanwhile; this one is tried again from time to"
        " time.\n\nCheck that it is valid and paid for.\n"
    )
    subject = _("XRouter: %(provider)s refuses a credential") % values
    incidents.begin(name, subject, text % values + _because(note.cause))


def _credential_accepted(name: str, note: Note) -> None:
    values = _named(note)
    incidents.end(
        name,
        _("XRouter: %(provider)s accepts a credential again") % values,
        _("%(provider)s accepts the credential %(credential)s again.") % values,
    )


def _model_missing(name: str, note: Note) -> None:
    values = _named(note)
    text = _(
        "%(provider)s answered 404 to a request for the model %(model)s.\n\n"
        "Correct or disable its route in the catalogue.\n"
    )
    incidents.begin(name, _("XRouter: %(provider)s has no model %(model)s") % values, text % values)


def _model_found(name: str, note: Note) -> None:
    values = _named(note)
    incidents.end(
        name,
        _("XRouter: %(provider)s has the model %(model)s again") % values,
        _("%(provider)s has the model %(model)s again.") % values,
    )


def _model_unpaid(name: str, note: Note) -> None:
    values = _named(note)
    text = _(
        "%(provider)s answered 402 to the credential %(credential)s for the model %(model)s: its tokens are"
        " used up. Requests for it go to other credentials and models meanwhile; other models of this"
        " credential go on.\n\nBuy tokens of this model at the provider.\n"
    )
    subject = _("XRouter: %(provider)s is not paid for the model %(model)s") % values
    incidents.begin(name, subject, text % values + _because(note.cause))


def _model_paid(name: str, note: Note) -> None:
    values = _named(note)
    incidents.end(
        name,
        _("XRouter: %(provider)s is paid for the model %(model)s again") % values,
        _("%(provider)s answers the credential %(credential)s for the model %(model)s again.")
        % values,
    )
