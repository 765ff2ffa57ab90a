"""Limits that all processes share: logs of stamps and leases in Redis, decided by limits.lua."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from billing.limits.store import (
    ACCOUNT_LOG_S,
    CONCURRENCY_WAIT_S,
    KEPT_STAMPS,
    KEY_LOG_S,
    Allowed,
    LimitCause,
    LimitCheck,
    LimitDenied,
    StoreAway,
)
from infra.redis import RedisAway, SharedRedis
from infra.redis_batch import RedisBatch, RedisScript

DECISION = RedisScript(Path(__file__).with_name("limits.lua").read_text())
LEASE_S = 30.0


class RedisLimitStore:
    """Decides in one Lua call, on Redis's clock; away for a second whenever Redis fails.

    The calls of requests that come together go together. A lease lapses `lease_s` after it was taken or
    last renewed.
    """

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._redis = SharedRedis(url)
        self._client = self._redis.client
        self._batch = RedisBatch(self._redis, name="limits", scripts=[DECISION])
        self.lease_s = lease_s

    def admit(self, check: LimitCheck) -> Allowed:
        """Count the request everywhere and take its lease. Raises: LimitDenied, StoreAway."""
        return self._decided(check, is_counted=True)

    def judge(self, check: LimitCheck) -> Allowed:
        """Answer as `admit` would now, and count nothing. Raises: LimitDenied, StoreAway."""
        return self._decided(check, is_counted=False)

    def _decided(self, check: LimitCheck, *, is_counted: bool) -> Allowed:
        account, key, slowed = check.account, check.key, check.slowed
        call = DECISION.call(
            [
                _name(check.account_id, account.log),
                _name(check.account_id, "leases"),
                _name(check.account_id, "day"),
                _name(check.account_id, key.log if key else "key"),
                _name(check.account_id, slowed.log if slowed else "key"),
                _key_leases(check.account_id, check.limited_key),
            ],
            [
                check.lease_id,
                int(self.lease_s * 1_000_000),
                check.concurrency or 0,
                check.day_requests or 0,
                account.requests,
                account.window_s * 1_000_000,
                key.requests if key else 0,
                key.window_s * 1_000_000 if key else 0,
                KEPT_STAMPS,
                max(ACCOUNT_LOG_S, account.window_s) * 1000,
                max(KEY_LOG_S, key.window_s if key else 0) * 1000,
                int(CONCURRENCY_WAIT_S * 1_000_000),
                int(is_counted),
                slowed.requests if slowed else 0,
                slowed.window_s * 1_000_000 if slowed else 0,
                check.key_concurrency or 0,
            ],
        )
        try:
            answer = self._batch.ask(call)
        except RedisAway as error:
            raise StoreAway from error
        if answer[0] == 1:
            return Allowed(used=answer[1], key_used=answer[3], stamp_us=answer[2], now_us=answer[2])
        source = answer[1].decode()
        raise LimitDenied(
            account.source if source == "account" else cast(LimitCause, source),
            wait_s=answer[2] / 1_000_000,
            reset_s=answer[3] / 1_000_000,
        )

    def withdraw(self, check: LimitCheck, allowed: Allowed) -> None:
        """Undo `admit`; while Redis is away the lease expires by itself."""
        with contextlib.suppress(StoreAway), self._reached():
            pipeline = self._client.pipeline(transaction=True)
            for window in check.windows:
                pipeline.lrem(_name(check.account_id, window.log), 1, str(allowed.stamp_us))
            pipeline.zrem(_name(check.account_id, "leases"), check.lease_id)
            pipeline.zrem(_key_leases(check.account_id, check.limited_key), check.lease_id)
            pipeline.execute()

    def mark_day_exhausted(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight that the account's day is used up."""
        with contextlib.suppress(StoreAway), self._reached():
            life_ms = max(1, int(until_midnight_s * 1000))
            self._client.set(_name(account_id, "day"), requests, px=life_ms)

    def release(self, account_id: int, lease_id: str, key_id: int | None = None) -> None:
        """Release a lease, also that of a key with its own; while Redis is away it expires by itself."""
        self._batch.tell(("ZREM", _name(account_id, "leases"), lease_id))
        if key_id is not None:
            self._batch.tell(("ZREM", _key_leases(account_id, key_id), lease_id))

    def renew(self, leases: Mapping[int, Mapping[str, int | None]]) -> None:
        """Prolong leases by account, and restore those that a flush removed. Raises: StoreAway.

        Each lease bears the key with leases of its own, or None.
        """
        with self._reached():
            seconds, microseconds = self._client.time()
            expires_us = seconds * 1_000_000 + microseconds + int(self.lease_s * 1_000_000)
            pipeline = self._client.pipeline(transaction=False)
            for account_id, keys in leases.items():
                names = {_name(account_id, "leases"): list(keys)}
                for lease_id, key_id in keys.items():
                    if key_id is not None:
                        names.setdefault(_key_leases(account_id, key_id), []).append(lease_id)
                for name, lease_ids in names.items():
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


def _key_leases(account_id: int, key_id: int | None) -> str:
    return _name(account_id, f"leases:{key_id}")


def _name(account_id: int, part: str) -> str:
    # The braces keep an account's keys together on one node of a cluster.
    return f"xr:limits:{{{account_id}}}:{part}"
