"""The client of slots.lua, the one call about upstream slots, on Redis's clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from gateway.upstreams.slots.store import SlotRequest, SlotStoreAway
from infra.redis import RedisAway, SharedRedis

EXCHANGE = Path(__file__).with_name("slots.lua").read_text()
LEASE_S = 10.0
"""How long the slots of a killed process stay taken; a living one renews them in time."""
SILENCE_S = 2.0
"""How long a silent process keeps its places in the queue."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """The slot requests that Redis granted to this process, and how many slots of each credential are taken."""

    granted: Mapping[str, str]
    taken: Mapping[str, int]


class RedisSlots:
    """The slots in Redis."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._redis = SharedRedis(url)
        script = self._redis.client.register_script(EXCHANGE)
        self._exchange = cast(Callable[..., list[Any]], script)
        self.lease_s = lease_s

    def exchange(
        self,
        provider: str,
        process: str,
        pool: Mapping[str, int],
        *,
        came: Iterable[SlotRequest] = (),
        left: Iterable[str] = (),
        held: Mapping[str, str] | None = None,
    ) -> Dealt:
        """Send arrivals, departures and held slots; return what was granted. Raises SlotStoreAway."""
        arguments = [
            process,
            int(self.lease_s * 1_000_000),
            int(SILENCE_S * 1_000_000),
            orjson.dumps(list(pool.items())),
            orjson.dumps(
                [
                    (slot_request.id, str(slot_request.account_id), list(slot_request.slots))
                    for slot_request in came
                ]
            ),
            orjson.dumps(list(left)),
            orjson.dumps(list((held or {}).items())),
        ]
        granted, taken = self._call(provider, arguments)
        return Dealt(
            {
                slot_request.decode(): credential.decode()
                for slot_request, credential in _pairs(granted)
            },
            {credential.decode(): count for credential, count in _pairs(taken)},
        )

    def close(self) -> None:
        """Drop the connections."""
        self._redis.close()

    def _call(self, provider: str, arguments: list[Any]) -> list[Any]:
        try:
            with self._redis.reached():
                # The braces keep a provider's keys together on one node of a cluster.
                return self._exchange(keys=[f"xr:slots:{{{provider}}}"], args=arguments)
        except RedisAway as error:
            raise SlotStoreAway from error


def _pairs(flat: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
