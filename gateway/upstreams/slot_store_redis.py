"""The one Lua call about upstream slots, on Redis's clock."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.upstreams.slot_store import SlotStoreAway, Ticket

EXCHANGE = Path(__file__).with_name("slots.lua").read_text()
TIMEOUT_S = 0.25
REST_S = 1.0
CONNECTIONS_MAX = 2000
LEASE_S = 10.0
"""How long the slots of a killed process stay taken; one that lives prolongs them in time."""
SILENCE_S = 2.0
"""How long a process that says nothing keeps its places in the queue."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dealt:
    """What Redis gave this process, ticket by ticket, and how many slots of each credential are taken."""

    granted: Mapping[str, str]
    taken: Mapping[str, int]


class RedisSlots:
    """A failure rests it for a second; then one caller tries."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS_MAX,
            protocol=2,
            driver_info=None,
        )
        self._exchange = cast(Callable[..., list[Any]], self._client.register_script(EXCHANGE))
        self._lock = threading.Lock()
        self._is_away = False
        self._retry_at_s = 0.0
        self.lease_s = lease_s

    def exchange(
        self,
        provider: str,
        process: str,
        pool: Mapping[str, int],
        *,
        came: Iterable[Ticket] = (),
        left: Iterable[str] = (),
        held: Mapping[str, str] | None = None,
    ) -> Dealt:
        """Tell who came, who left and which leases live; return what was dealt. Raises SlotStoreAway."""
        arguments = [
            process,
            int(self.lease_s * 1_000_000),
            int(SILENCE_S * 1_000_000),
            orjson.dumps(list(pool.items())),
            orjson.dumps([(one.id, str(one.account_id), list(one.slots)) for one in came]),
            orjson.dumps(list(left)),
            orjson.dumps(list((held or {}).items())),
        ]
        granted, taken = self._call(provider, arguments)
        return Dealt(
            {ticket.decode(): credential.decode() for ticket, credential in _pairs(granted)},
            {credential.decode(): count for credential, count in _pairs(taken)},
        )

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def _call(self, provider: str, arguments: list[Any]) -> list[Any]:
        with self._lock:
            if self._is_away:
                now_s = time.monotonic()
                if now_s < self._retry_at_s:
                    raise SlotStoreAway
                self._retry_at_s = now_s + REST_S
        try:
            # The braces keep a provider's keys together on one node of a cluster.
            answer = self._exchange(keys=[f"xr:slots:{{{provider}}}"], args=arguments)
        except (redis.RedisError, OSError) as error:
            self._retry_at_s = time.monotonic() + REST_S
            if not self._is_away:
                logger.warning("Redis is away, upstream slots are this process's share: %s", error)
            self._is_away = True
            raise SlotStoreAway from error
        if self._is_away:
            self._is_away = False
            logger.warning("Redis is back, upstream slots are shared again.")
        return answer


def _pairs(flat: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
