"""Records when each credential was last used, and from which network: off the requests' path, in batches.

Of a credential in constant use one use a minute is recorded by each process.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import Error, connection
from django.db.models import Model
from django.utils import timezone

from accounts.client_address import Address
from accounts.keys.credential_cache import CachedCredential
from accounts.models import APIKey, IssuedToken
from infra import outages
from infra.background import Background

INTERVAL_S = 60.0
PAUSE_S = 0.2
BATCH = 300
NETWORK_BITS = {4: 24, 6: 48}

_STATEMENT = """
    WITH used (id, at, network) AS (VALUES {rows})
    UPDATE {table} SET last_used_at = used.at, {network} = used.network FROM used
    WHERE {table}.{key} = used.id AND ({table}.last_used_at IS NULL OR {table}.last_used_at < %s)
"""
"""Django's bulk_update puts a CASE together for each row, which takes as long as half a request."""

_PLACES: dict[str, tuple[type[Model], str]] = {
    "key": (APIKey, "last_used_network"),
    "oauth": (IssuedToken, "last_used_from"),
}
"""Where each kind of credential keeps its last use, and the column of the network."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a credential."""

    kind: str
    credential_id: int
    at: datetime
    address: Address | None


class LastUse:
    """Gathers uses, and has a thread write them."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, int], _Use] = {}
        self._thread = Background("last-use", self.write, every_s=None, pause_s=PAUSE_S)

    def note(self, credential: CachedCredential, address: Address | None) -> None:
        """Note a use, unless one was noted within the last minute; it is written soon."""
        now_s = self._clock()
        if now_s - credential.noted_s < INTERVAL_S:
            return
        credential.noted_s = now_s
        principal = credential.principal
        kind, credential_id = principal.credential_kind, principal.credential_id
        use = _Use(kind, credential_id, timezone.now(), address)
        with self._lock:
            self._uses[kind, credential_id] = use
        if connection.in_atomic_block:  # another thread would not see the row
            self.write()
            return
        self._thread.ensure_running()
        self._thread.wake()

    def write(self) -> None:
        """Write what was noted; what cannot be written is dropped, for it is only a convenience."""
        with self._lock:
            uses, self._uses = self._uses, {}
        try:
            for kind, (model, network_column) in _PLACES.items():
                found = [use for use in uses.values() if use.kind == kind]
                _write(model, network_column, found)
        except Error as error:
            outages.log_failure(
                _log, f"{len(uses)} uses of credentials could not be written", error
            )
        finally:
            if not connection.in_atomic_block:
                connection.close()

    def stop(self) -> None:
        """End the thread; the next use starts it again."""
        self._thread.stop()


def _write(model: type[Model], network_column: str, uses: Sequence[_Use]) -> None:
    """Write uses, but where another process has written one within the minute."""
    for start in range(0, len(uses), BATCH):
        batch = uses[start : start + BATCH]
        statement = _STATEMENT.format(
            table=model._meta.db_table,
            key=model._meta.pk.column,
            network=network_column,
            rows=", ".join(["(%s, %s, %s)"] * len(batch)),
        )
        parameters: list[Any] = []
        for use in batch:
            parameters += (use.credential_id, _stored(use.at), network_of(use.address))
        a_minute_ago = timezone.now() - timedelta(seconds=INTERVAL_S)
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, _stored(a_minute_ago)])


def _stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def network_of(address: Address | None) -> str:
    """Return the network of an address, an empty text where there is none."""
    if address is None:
        return ""
    return str(ip_network((address, NETWORK_BITS[address.version]), strict=False))


last_use = LastUse()
