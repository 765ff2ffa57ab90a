"""One answer for a plain request and its retries: the first runs, the others wait for what it answers."""

import contextlib
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext_noop

from accounts.principal import Principal
from billing.errors import MovementRefused
from billing.ledger import ledger
from billing.limits.request_limits import LimitExceeded
from billing.usage import generations
from gateway.api.disconnect import watch
from gateway.api.retries.identity import Identity
from gateway.api.retries.kept_answer import seal, unseal
from gateway.api.retries.run import Ended, Run, RunLost
from gateway.api.retries.runs import JoinedRun, Runs, current_runs
from gateway.pipeline.admission.caller_context import give_connection_back

CLIENT_CLOSED_REQUEST = 499
"""Nobody reads this status: the client has disconnected. It stands in the log."""

FIRST_LOOK_S = 0.05
LOOK_MAX_S = 0.25
"""The pauses between two looks at a run of another process grow from the first to this."""

HELD_BY_THE_DEAD = frozenset({402, 429})
"""How a request is refused for what a dead process still holds: the balance, a place among those at once."""
RELEASED_AFTER_S = 100.0
"""By then, counted from when the run is known to be lost, all is released that its process held."""
RELEASE_LOOK_S = 5.0

ANSWER_LOST = gettext_noop("The answer was lost with its process, and its retry was answered anew.")

Work = Callable[[uuid.UUID], HttpResponse]
"""Makes the answer, as the generation of that id."""


def answer_once(
    identity: Identity | None,
    work: Work,
    *,
    failed: Callable[[Exception], HttpResponse],
    caller: Principal,
    client: socket.socket | None,
) -> HttpResponse:
    """Return what `work` answers, or what the run answers that this request repeats.

    `failed` writes the answer to a failure of `work`, which a joined retry is given too. Without an identity
    `work` is simply done, and raises what it raises. Raises IdempotencyMismatch and LimitExceeded.
    """
    if identity is None:
        return work(generations.new_id())
    runs = current_runs()
    if identity.retry == 0:
        run = Run(identity)
        runs.begin(run)
        return _answer(runs, run, partial(_respond, run, work, failed))
    patient_until_s = 0.0
    while True:
        run = Run(identity)
        joined = runs.join_or_begin(run)
        if joined is None:
            return _answer(runs, run, partial(_respond, run, work, failed, patient_until_s))
        try:
            with _waiting(caller, client) as waiter:
                ended = waiter.outcome(joined)
        except RunLost:
            patient_until_s = time.monotonic() + RELEASED_AFTER_S
            continue
        if ended is None:
            return HttpResponse(status=CLIENT_CLOSED_REQUEST)
        return unseal(ended.sealed, identity)


def _answer(runs: Runs, run: Run, respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer, and say to those who wait what came of it, whatever that is."""
    ended = None
    try:
        response = respond()
        ended = Ended(seal(response, run.identity), is_failure=response.status_code >= 400)
        return response
    finally:
        runs.end(run, ended)


def _respond(
    run: Run,
    work: Work,
    failed: Callable[[Exception], HttpResponse],
    patient_until_s: float = 0.0,
) -> HttpResponse:
    """Work; until `patient_until_s` do it anew when it is refused for what a dead process holds."""
    generation_id = uuid.UUID(run.id)
    while True:
        try:
            _give_back(run.replaces)
            response = work(generation_id)
        except Exception as error:
            response = failed(error)
        if response.status_code not in HELD_BY_THE_DEAD or time.monotonic() > patient_until_s:
            return response
        time.sleep(RELEASE_LOOK_S)
        # A refusal of the provider's has been written down under the first.
        generation_id = generations.new_id()


def _give_back(lost: Sequence[str]) -> None:
    """Refund the answers that their processes charged for, and did not live to keep. Raises django.db.Error."""
    for run_id in lost:
        # Refused is what cost nothing, as nearly always, and what an earlier retry has given back.
        with contextlib.suppress(MovementRefused):
            ledger.refund(uuid.UUID(run_id), reason=ANSWER_LOST, actor_id=None)


class _Waiter:
    """A request that waits; its client's disconnect ends the wait."""

    def __init__(self) -> None:
        self._is_disconnected = False
        self._woken = threading.Event()

    def disconnect(self) -> None:
        self._is_disconnected = True
        self._woken.set()

    def outcome(self, joined: JoinedRun) -> Ended | None:
        """Wait until the run ends; None where the client disconnected first. Raises RunLost."""
        joined.on_end(self._woken.set)
        pause_s = FIRST_LOOK_S
        while not self._is_disconnected:
            ended = joined.outcome()
            if ended is not None:
                return ended
            self._woken.wait(pause_s)
            pause_s = min(LOOK_MAX_S, 1.5 * pause_s)
        return None


_waiting_lock = threading.Lock()
_waiting_by_account: Counter[int] = Counter()


@contextlib.contextmanager
def _waiting(caller: Principal, client: socket.socket | None) -> Iterator[_Waiter]:
    """Count a request that waits, which no other limit counts. Raises LimitExceeded."""
    limit = settings.PAID_CONCURRENCY
    with _waiting_lock:
        if _waiting_by_account[caller.account_id] >= limit:
            raise LimitExceeded(
                "concurrency", limit=limit, retry_after_s=1, reset_s=1.0, is_hopeless=False
            )
        _waiting_by_account[caller.account_id] += 1
    waiter = _Waiter()
    watched = watch(client, waiter.disconnect) if client is not None else None
    give_connection_back()
    try:
        yield waiter
    finally:
        if watched is not None:
            watched.stop()
        with _waiting_lock:
            _waiting_by_account[caller.account_id] -= 1
            if not _waiting_by_account[caller.account_id]:
                del _waiting_by_account[caller.account_id]
