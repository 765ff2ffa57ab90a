"""Limits in the memory of one process: used without Redis, and while Redis is away."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from billing.limits.store import (
    ACCOUNT_LOG_S,
    CONCURRENCY_WAIT_S,
    KEPT_STAMPS,
    KEY_LOG_S,
    Allowed,
    LimitCheck,
    LimitDenied,
    Window,
)
from infra.short_lock import ShortLock

SWEEP_S = 60

# A lease this old was lost, not held: no request runs so long.
LEASE_MAX_S = 3600


def monotonic_us() -> int:
    """Return the monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class _Log:
    """Stamps, oldest first, and when the last of them expires."""

    stamps: list[int] = field(default_factory=list)
    expires_us: int = 0


@dataclass(frozen=True, slots=True)
class _Lease:
    """When a request began, and the key whose own leases it takes part in."""

    taken_us: int
    key_id: int | None


class MemoryLimitStore:
    """Decides under one lock, and knows every request that runs in this process."""

    def __init__(
        self,
        clock_us: Callable[[], int] = monotonic_us,
        unix_clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._clock_us = clock_us
        self._unix_clock_s = unix_clock_s
        self._lock = ShortLock()
        self._logs: dict[str, _Log] = {}
        self._leases: dict[int, dict[str, _Lease]] = {}
        self._full_days: dict[int, tuple[int, float]] = {}
        self._swept_us = clock_us()

    def admit(self, check: LimitCheck) -> Allowed:
        """Count the request everywhere and take its lease. Raises: LimitDenied."""
        with self._lock:
            allowed = self._allowed(check)
            self._note(check, allowed.stamp_us)
            return allowed._replace(used=allowed.used + 1, key_used=allowed.key_used + 1)

    def judge(self, check: LimitCheck) -> Allowed:
        """Answer as `admit` would now, and count nothing. Raises: LimitDenied."""
        with self._lock:
            return self._allowed(check)

    def note(self, check: LimitCheck) -> None:
        """Record a request that Redis admitted: it counts here too."""
        with self._lock:
            self._note(check, self._clock_us())

    def withdraw(self, check: LimitCheck, allowed: Allowed) -> None:
        """Undo `admit`."""
        with self._lock:
            for window in check.windows:
                log = self._logs.get(window.log)
                if log and allowed.stamp_us in log.stamps:
                    log.stamps.remove(allowed.stamp_us)
            self._drop_lease(check.account_id, check.lease_id)

    def mark_day_exhausted(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight that the account's day is used up."""
        with self._lock:
            self._full_days[account_id] = (requests, self._unix_clock_s() + until_midnight_s)

    def release(self, account_id: int, lease_id: str) -> bool:
        """Release a lease; False where it was released before."""
        with self._lock:
            return self._drop_lease(account_id, lease_id)

    def running(self) -> dict[int, dict[str, int | None]]:
        """Return the leases of the requests that run now, by account, each with its limited key."""
        with self._lock:
            self._sweep(self._clock_us())
            return {
                account_id: {lease_id: lease.key_id for lease_id, lease in leases.items()}
                for account_id, leases in self._leases.items()
            }

    def _allowed(self, check: LimitCheck) -> Allowed:
        """Return the standing before the request. Raises: LimitDenied."""
        now_us = self._clock_us()
        refusals = list(self._refusals(check, now_us))
        if refusals:
            raise max(refusals, key=lambda refusal: refusal.wait_s)
        return Allowed(
            used=self._used(check.account, now_us),
            key_used=self._used(check.key, now_us) if check.key else 0,
            stamp_us=now_us,
            now_us=None,
        )

    def _refusals(self, check: LimitCheck, now_us: int) -> Iterator[LimitDenied]:
        for window in check.windows:
            if self._used(window, now_us) >= window.allowed:
                stamps = self._logs[window.log].stamps
                since_us = now_us - window.window_s * 1_000_000
                wait_us = stamps[-window.allowed] - since_us
                yield LimitDenied(window.source, wait_us / 1e6, (stamps[-1] - since_us) / 1e6)
        if check.day_requests is not None:
            requests, midnight_s = self._full_days.get(check.account_id, (0, 0.0))
            left_s = midnight_s - self._unix_clock_s()
            if requests >= check.day_requests and left_s > 0:
                yield LimitDenied("account_day", left_s, left_s)
        leases = self._leases.get(check.account_id, {})
        if check.key_concurrency is not None:
            of_key = sum(1 for lease in leases.values() if lease.key_id == check.key_id)
            if of_key >= check.key_concurrency:
                yield LimitDenied("key_concurrency", CONCURRENCY_WAIT_S, CONCURRENCY_WAIT_S)
        if check.concurrency is not None and len(leases) >= check.concurrency:
            yield LimitDenied("concurrency", CONCURRENCY_WAIT_S, CONCURRENCY_WAIT_S)

    def _used(self, window: Window, now_us: int) -> int:
        log = self._logs.get(window.log)
        if log is None:
            return 0
        return len(log.stamps) - bisect_right(log.stamps, now_us - window.window_s * 1_000_000)

    def _note(self, check: LimitCheck, now_us: int) -> None:
        if now_us - self._swept_us > SWEEP_S * 1_000_000:
            self._sweep(now_us)
        for window in check.windows:
            log = self._logs.setdefault(window.log, _Log())
            log.stamps.append(now_us)
            del log.stamps[: -max(window.requests, KEPT_STAMPS)]
            life_s = max(window.window_s, KEY_LOG_S if window.source == "key" else ACCOUNT_LOG_S)
            log.expires_us = now_us + life_s * 1_000_000
        if check.concurrency is not None:
            lease = _Lease(now_us, check.limited_key)
            self._leases.setdefault(check.account_id, {})[check.lease_id] = lease

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
            for lease_id, lease in leases.items()
            if now_us - lease.taken_us > LEASE_MAX_S * 1_000_000
        ]
        for account_id, lease_id in lost:
            self._drop_lease(account_id, lease_id)
