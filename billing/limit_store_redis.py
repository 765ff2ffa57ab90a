"""Limits that all processes share: logs of stamps and leases in Redis, decided by limits.lua."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from accounts.shared_redis import RedisAway, SharedRedis
from billing.limit_store import (
    ACCOUNT_LOG_S,
    CONCURRENCY_WAIT_S,
    KEPT_STAMPS,
    KEY_LOG_S,
    Demand,
    Grant,
    LimitSource,
    Refusal,
    StoreAway,
)

DECISION = Path(__file__).with_name("limits.lua").read_text()
LEASE_S = 30.0


class RedisLimitStore:
    """Decides in one Lua call, on Redis's clock; away for a second whenever Redis fails.

    A lease lapses `lease_s` after it was taken or last renewed.
    """

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._redis = SharedRedis(url, without="limits are counted without it")
        self._client = self._redis.client
        self._decide = cast(Callable[..., list[Any]], self._client.register_script(DECISION))
        self.lease_s = lease_s

    def admit(self, demand: Demand) -> Grant:
        """Count the request everywhere and take its lease. Raises: Refusal, StoreAway."""
        account, key = demand.account, demand.key
        with self._reached():
            answer = self._decide(
                keys=[
                    _name(demand.account_id, account.log),
                    _name(demand.account_id, "leases"),
                    _name(demand.account_id, "day"),
                    _name(demand.account_id, key.log if key else "key"),
                ],
                args=[
                    demand.lease_id,
                    int(self.lease_s * 1_000_000),
                    demand.concurrency,
                    demand.day_requests or 0,
                    account.requests,
                    account.window_s * 1_000_000,
                    key.requests if key else 0,
                    key.window_s * 1_000_000 if key else 0,
                    KEPT_STAMPS,
                    max(ACCOUNT_LOG_S, account.window_s) * 1000,
                    max(KEY_LOG_S, key.window_s if key else 0) * 1000,
                    int(CONCURRENCY_WAIT_S * 1_000_000),
                ],
            )
        if answer[0] == 1:
            return Grant(used=answer[1], stamp_us=answer[2], now_us=answer[2])
        source = answer[1].decode()
        raise Refusal(
            account.source if source == "account" else cast(LimitSource, source),
            wait_s=answer[2] / 1_000_000,
            reset_s=answer[3] / 1_000_000,
        )

    def withdraw(self, demand: Demand, grant: Grant) -> None:
        """Take back what `admit` counted and leased, or leave it to lapse while Redis is away."""
        with contextlib.suppress(StoreAway), self._reached():
            pipeline = self._client.pipeline(transaction=True)
            for window in demand.windows:
                pipeline.lrem(_name(demand.account_id, window.log), 1, str(grant.stamp_us))
            pipeline.zrem(_name(demand.account_id, "leases"), demand.lease_id)
            pipeline.execute()

    def close_day(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight how far the account's day has come."""
        with contextlib.suppress(StoreAway), self._reached():
            life_ms = max(1, int(until_midnight_s * 1000))
            self._client.set(_name(account_id, "day"), requests, px=life_ms)

    def release(self, account_id: int, lease_id: str) -> None:
        """Give a lease back, or leave it to lapse while Redis is away."""
        with contextlib.suppress(StoreAway), self._reached():
            self._client.zrem(_name(account_id, "leases"), lease_id)

    def renew(self, leases: Mapping[int, list[str]]) -> None:
        """Prolong leases by account, and bring back what a flush took. Raises: StoreAway."""
        with self._reached():
            seconds, microseconds = self._client.time()
            expires_us = seconds * 1_000_000 + microseconds + int(self.lease_s * 1_000_000)
            pipeline = self._client.pipeline(transaction=False)
            for account_id, lease_ids in leases.items():
                name = _name(account_id, "leases")
                pipeline.zadd(name, dict.fromkeys(lease_ids, expires_us))
                pipeline.pexpire(name, int(self.lease_s * 1000))
            pipeline.execute()

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            with self._redis.reached():
                yield
        except RedisAway as error:
            raise StoreAway from error


def _name(account_id: int, part: str) -> str:
    # The braces keep an account's keys together on one node of a cluster.
    return f"xr:limits:{{{account_id}}}:{part}"
