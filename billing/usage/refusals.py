"""Requests to models that were refused: written down in batches behind the requests' backs, and read."""

import logging
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from billing.errors import MoneyStoreUnavailable
from billing.models import Refusal
from billing.usage.generation_ids import least_id_at
from billing.usage.generations import Wanted
from infra import outages
from infra.background import Background
from infra.replica import from_replica

EVERY_S = 1.0
MOST_A_MINUTE = 60
"""Of one account in each process: a hostile client fills no table."""
MOST_WAITING = 5_000
KEPT = timedelta(days=30)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """What is kept of one. `credential` is its kind and its primary key; `path` the pattern of the path."""

    id: uuid.UUID
    account_id: int
    credential: tuple[str, int]
    is_test: bool
    created_at: datetime
    path: str
    requested_model: str
    status: int
    code: str
    param: str
    request_id: str
    duration_ms: int


class RefusalWriter:
    """Takes refused requests; a thread writes them once a second. What does not fit is not written."""

    def __init__(self) -> None:
        self._waiting: deque[RefusedRequest] = deque(maxlen=MOST_WAITING)
        self._counted: Counter[int] = Counter()
        self._minute = 0
        self._background = Background("refusals", self.flush, every_s=EVERY_S)

    def note(self, refused: RefusedRequest) -> None:
        """Take one, unless its account has had MOST_A_MINUTE in this minute."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._counted = minute, Counter()
        self._counted[refused.account_id] += 1
        if self._counted[refused.account_id] <= MOST_A_MINUTE:
            self._waiting.append(refused)
            self._background.ensure_running()

    def flush(self) -> None:
        """Write what waits."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not taken:
            return
        try:
            Refusal.objects.bulk_create([_row(refused) for refused in taken])
        except (DatabaseError, InterfaceError) as error:
            outages.log_failure(logger, f"{len(taken)} refused requests are not in the list", error)
        finally:
            connection.close()


@from_replica
def latest(
    account_id: int, wanted: Wanted, *, most: int, before: uuid.UUID | None = None
) -> list[RefusedRequest]:
    """Return at most `most` of an account's refused requests, newest first, those before an id.

    Raises MoneyStoreUnavailable.
    """
    condition = wanted.condition("requested_model", before)
    rows = Refusal.objects.filter(condition, account=account_id).order_by("-id")
    try:
        return [_read(row) for row in rows[:most]]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def drop_old() -> None:
    """Delete what is older than KEPT."""
    Refusal.objects.filter(id__lt=least_id_at(timezone.now() - KEPT)).delete()


def _row(refused: RefusedRequest) -> Refusal:
    kind, credential_id = refused.credential
    return Refusal(
        id=refused.id,
        account_id=refused.account_id,
        credential_kind=kind,
        credential_id=credential_id,
        is_test=refused.is_test,
        created_at=refused.created_at,
        path=refused.path,
        requested_model=refused.requested_model,
        status=refused.status,
        code=refused.code,
        param=refused.param,
        request_id=refused.request_id,
        duration_ms=refused.duration_ms,
    )


def _read(row: Refusal) -> RefusedRequest:
    return RefusedRequest(
        id=row.id,
        account_id=row.account_id,
        credential=(row.credential_kind, row.credential_id),
        is_test=row.is_test,
        created_at=row.created_at,
        path=row.path,
        requested_model=row.requested_model,
        status=row.status,
        code=row.code,
        param=row.param,
        request_id=row.request_id,
        duration_ms=row.duration_ms,
    )


writer = RefusalWriter()
