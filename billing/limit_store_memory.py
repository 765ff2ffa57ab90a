"""Limits of one process: all there is without Redis, and the stand-in while Redis is away."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from billing.limit_store import (
    ACCOUNT_LOG_S,
    CONCURRENCY_WAIT_S,
    KEPT_STAMPS,
    KEY_LOG_S,
    Demand,
    Grant,
    Refusal,
    Window,
)

SWEEP_S = 60

# A lease this old was lost, not held: no request runs so long.
LEASE_MAX_S = 3600


def monotonic_us() -> int:
    """Return a clock that nobody can set."""
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class _Log:
    """Stamps, oldest first, and the moment from which none of them matters."""

    stamps: list[int] = field(default_factory=list)
    expires_us: int = 0


class MemoryLimitStore:
    """Decides under one lock, and knows every request that runs in this process."""

    def __init__(
        self,
        clock_us: Callable[[], int] = monotonic_us,
        unix_clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._clock_us = clock_us
        self._unix_clock_s = unix_clock_s
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}
        self._leases: dict[int, dict[str, int]] = {}
        self._full_days: dict[int, tuple[int, float]] = {}
        self._swept_us = clock_us()

    def admit(self, demand: Demand) -> Grant:
        """Count the request everywhere and take its lease. Raises: Refusal."""
        with self._lock:
            now_us = self._clock_us()
            refusals = list(self._judge(demand, now_us))
            if refusals:
                raise max(refusals, key=lambda refusal: refusal.wait_s)
            self._note(demand, now_us)
            return Grant(used=self._used(demand.account, now_us), stamp_us=now_us, now_us=None)

    def note(self, demand: Demand) -> None:
        """Record a request that another store admitted: it counts here too, and it runs here."""
        with self._lock:
            self._note(demand, self._clock_us())

    def withdraw(self, demand: Demand, grant: Grant) -> None:
        """Take back what `admit` counted and leased."""
        with self._lock:
            for window in demand.windows:
                log = self._logs.get(window.log)
                if log and grant.stamp_us in log.stamps:
                    log.stamps.remove(grant.stamp_us)
            self._drop_lease(demand.account_id, demand.lease_id)

    def close_day(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight how far the account's day has come."""
        with self._lock:
            self._full_days[account_id] = (requests, self._unix_clock_s() + until_midnight_s)

    def release(self, account_id: int, lease_id: str) -> bool:
        """Give a lease back; False where it was given back before."""
        with self._lock:
            return self._drop_lease(account_id, lease_id)

    def running(self) -> dict[int, list[str]]:
        """Return the leases of the requests that run now, by account."""
        with self._lock:
            self._sweep(self._clock_us())
            return {account_id: list(leases) for account_id, leases in self._leases.items()}

    def _judge(self, demand: Demand, now_us: int) -> Iterator[Refusal]:
        for window in demand.windows:
            if self._used(window, now_us) >= window.allowed:
                stamps = self._logs[window.log].stamps
                since_us = now_us - window.window_s * 1_000_000
                wait_us = stamps[-window.allowed] - since_us
                yield Refusal(window.source, wait_us / 1e6, (stamps[-1] - since_us) / 1e6)
        if demand.day_requests is not None:
            requests, midnight_s = self._full_days.get(demand.account_id, (0, 0.0))
            left_s = midnight_s - self._unix_clock_s()
            if requests >= demand.day_requests and left_s > 0:
                yield Refusal("account_day", left_s, left_s)
        if len(self._leases.get(demand.account_id, ())) >= demand.concurrency:
            yield Refusal("concurrency", CONCURRENCY_WAIT_S, CONCURRENCY_WAIT_S)

    def _used(self, window: Window, now_us: int) -> int:
        log = self._logs.get(window.log)
        if log is None:
            return 0
        return len(log.stamps) - bisect_right(log.stamps, now_us - window.window_s * 1_000_000)

    def _note(self, demand: Demand, now_us: int) -> None:
        if now_us - self._swept_us > SWEEP_S * 1_000_000:
            self._sweep(now_us)
        for window in demand.windows:
            log = self._logs.setdefault(window.log, _Log())
            log.stamps.append(now_us)
            del log.stamps[: -max(window.requests, KEPT_STAMPS)]
            life_s = max(window.window_s, KEY_LOG_S if window.source == "key" else ACCOUNT_LOG_S)
            log.expires_us = now_us + life_s * 1_000_000
        self._leases.setdefault(demand.account_id, {})[demand.lease_id] = now_us

    def _drop_lease(self, account_id: int, lease_id: str) -> bool:
        leases = self._leases.get(account_id, {})
        was_held = leases.pop(lease_id, None) is not None
        if was_held and not leases:
            del self._leases[account_id]
        return was_held

    def _sweep(self, now_us: int) -> None:
        self._swept_us = now_us
        self._logs = {name: log for name, log in self._logs.items() if log.expires_us > now_us}
        unix_s = self._unix_clock_s()
        self._full_days = {
            account_id: day for account_id, day in self._full_days.items() if day[1] > unix_s
        }
        lost = [
            (account_id, lease_id)
            for account_id, leases in self._leases.items()
            for lease_id, taken_us in leases.items()
            if now_us - taken_us > LEASE_MAX_S * 1_000_000
        ]
        for account_id, lease_id in lost:
            self._drop_lease(account_id, lease_id)
