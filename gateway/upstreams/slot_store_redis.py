"""The one Lua call about upstream slots, on Redis's clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from accounts.shared_redis import RedisAway, SharedRedis
from gateway.upstreams.slot_store import SlotStoreAway, Ticket

EXCHANGE = Path(__file__).with_name("slots.lua").read_text()
LEASE_S = 10.0
"""How long the slots of a killed process stay taken; one that lives prolongs them in time."""
SILENCE_S = 2.0
"""How long a process that says nothing keeps its places in the queue."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """What Redis gave this process, ticket by ticket, and how many slots of each credential are taken."""

    granted: Mapping[str, str]
    taken: Mapping[str, int]


class RedisSlots:
    """The slots as Redis deals them."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._redis = SharedRedis(url, without="upstream slots are this process's share")
        script = self._redis.client.register_script(EXCHANGE)
        self._exchange = cast(Callable[..., list[Any]], script)
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
