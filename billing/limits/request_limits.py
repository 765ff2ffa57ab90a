"""Rate and concurrency limits: checks a request against all limits of its account and key at once."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Literal

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.principal import KeyLimits, KeyRate
from billing.ledger import live_processes
from billing.limits import counters
from billing.limits.memory_store import MemoryLimitStore
from billing.limits.redis_store import RedisLimitStore
from billing.limits.slot_heartbeat import SlotHeartbeat
from billing.limits.store import (
    ACCOUNT_LOG_S,
    KEPT_STAMPS,
    Allowed,
    LimitCause,
    LimitCheck,
    LimitDenied,
    LimitSource,
    LimitStore,
    StoreAway,
    Window,
)
from billing.limits.tiers import Tier, tier_of
from infra import outages

__all__ = [
    "Admission",
    "LimitExceeded",
    "LimitSource",
    "LimitStatus",
    "LimitStoreUnavailable",
    "Tier",
    "admit",
    "admit_apart",
    "judge",
    "status",
    "tier_of",
]

DAY_S = 86_400
NO_ACCOUNT = 0
STORE_RETRY_AFTER_S = 5

LIMIT_TEXTS: dict[LimitCause, str] = {
    "account_minute": "The free tier allows {limit} requests in any 60 seconds.",
    "account_day": "The free tier allows {limit} requests a day, until Moscow's midnight.",
    "account_second": "The rate of this balance is reached: {limit} a second, one per credit.",
    "key": "This key's own rate of {limit} is reached.",
    "key_concurrency": "As many requests as may be are running for this key: {limit}.",
    "key_slowed": "This key is slowed to {limit} requests in any 60 seconds, for its use was unusual. Its"
    " owner can confirm it at /cabinet/security/.",
    "concurrency": "As many requests as may be are running for this account: {limit}.",
    "plan": "An account may ask for {limit} plans in any 60 seconds.",
    "count": "Tokens may be counted {limit} times in any 60 seconds.",
    "moderation": "Texts may be moderated {limit} times in any 60 seconds.",
    "leaked": "A network may report leaked keys {limit} times in any 60 seconds.",
}

_SOURCES: dict[LimitCause, LimitSource] = {"key_concurrency": "key", "key_slowed": "key"}
"""What callers are told of a limit, where that is not its own name."""

SLOWED_WINDOW_S = 60

LIMITS_APART: dict[LimitSource, tuple[int, int]] = {
    "plan": (60, 60),
    "count": (300, 60),
    "moderation": (300, 60),
    "leaked": (10, 60),
}
"""Calls that run no model and touch no other limit: how many in any rolling window, and its seconds."""

logger = logging.getLogger(__name__)


class LimitExceeded(Exception):
    """A limit refuses the request, which is not counted.

    After `retry_after_s`, whole seconds, it would pass if no other came first; after `reset_s` the limit
    is unused again. `is_hopeless` tells clients not to retry by themselves; `is_concurrency`: too much
    runs at once.
    """

    def __init__(
        self,
        cause: LimitCause,
        *,
        limit: int,
        retry_after_s: int,
        reset_s: float,
        is_hopeless: bool,
    ) -> None:
        text = LIMIT_TEXTS[cause].format(limit=limit)
        super().__init__(f"{text} Repeat the request in {retry_after_s} s.")
        self.source: LimitSource = _SOURCES.get(cause, cause)  # type: ignore[arg-type]  # the rest
        self.is_concurrency = cause in {"concurrency", "key_concurrency"}
        self.limit = limit
        self.remaining = 0
        self.retry_after_s = retry_after_s
        self.reset_s = reset_s
        self.is_hopeless = is_hopeless


class LimitStoreUnavailable(Exception):
    """No store is left that could count the request exactly."""

    retry_after_s = STORE_RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Admission:
    """An admitted request, and the tightest of its limits of rate, with it counted.

    After `reset_s` that limit is unused again if nothing follows.
    """

    limit: int
    remaining: int
    reset_s: float
    give_back: Callable[[], None]

    def release(self) -> None:
        """Release the concurrency slot; a second call does nothing."""
        self.give_back()


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """The account's rate as `GET /v1/key` shows it; None where days are not limited."""

    requests: int
    interval: Literal["1s", "1m"]
    day_requests: int | None
    day_remaining: int | None


def admit(
    account_id: int,
    credential_id: int | None,
    tier: Tier,
    key_limits: KeyLimits,
    lease_id: str,
) -> Admission:
    """Admit and count one request. `lease_id` is unique to it.

    Raises: LimitExceeded, LimitStoreUnavailable.
    """
    return _limiter().admit(_check(account_id, credential_id, tier, key_limits, lease_id))


def judge(account_id: int, credential_id: int | None, tier: Tier, key_limits: KeyLimits) -> None:
    """Say whether `admit` would let a request through now; count nothing.

    Raises: LimitExceeded, LimitStoreUnavailable.
    """
    _limiter().judge(_check(account_id, credential_id, tier, key_limits, lease_id=""))


def admit_apart(account_id: int, source: LimitSource) -> Admission:
    """Admit and count one call that has a limit of its own in LIMITS_APART; it takes no slot.

    Raises: LimitExceeded, LimitStoreUnavailable.
    """
    return _admit_apart(account_id, source, str(account_id))


def admit_stranger(sender: str, source: LimitSource) -> Admission:
    """Admit and count one call without a credential by who sends it, such as a network; see `admit_apart`.

    Raises: LimitExceeded, LimitStoreUnavailable.
    """
    return _admit_apart(NO_ACCOUNT, source, sender)


def _admit_apart(account_id: int, source: LimitSource, caller: str) -> Admission:
    requests, window_s = LIMITS_APART[source]
    check = LimitCheck(
        account_id=account_id,
        lease_id="",
        account=Window(source, f"{source}:{caller}", requests, window_s, in_database=True),
        key=None,
        day_requests=None,
        concurrency=None,
    )
    return _limiter().admit(check)


def _check(
    account_id: int,
    credential_id: int | None,
    tier: Tier,
    key_limits: KeyLimits,
    lease_id: str,
) -> LimitCheck:
    rate, slowed = key_limits.rate, key_limits.slowed_requests_per_minute
    return LimitCheck(
        account_id=account_id,
        lease_id=lease_id,
        account=Window(
            "account_minute" if tier.is_free else "account_second",
            _account_log(account_id),
            tier.requests,
            tier.window_s,
            in_database=tier.day_requests is not None,
        ),
        key=_key_window(credential_id, rate) if rate else None,
        day_requests=tier.day_requests,
        concurrency=tier.concurrency,
        slowed=Window("key_slowed", f"slowed:{credential_id}", slowed, SLOWED_WINDOW_S)
        if slowed
        else None,
        key_id=credential_id,
        key_concurrency=key_limits.concurrency,
    )


def _key_window(credential_id: int | None, rate: KeyRate) -> Window:
    """Return the window of a key's own rate.

    That of a minute or a day is longer than Redis and this process may live, and so is the database's; but
    not where it has more requests than one row is to remember.
    """
    is_long = rate.window_s >= ACCOUNT_LOG_S and rate.requests <= KEPT_STAMPS
    log = f"key:{credential_id}"
    return Window("key", log, rate.requests, rate.window_s, in_database=is_long)


def tightest_rate(tier: Tier, key_limits: KeyLimits) -> KeyRate:
    """Return which of the rates of the account and the key lets the fewest requests through in the long run."""
    rates = [KeyRate(tier.requests, tier.window_s)]
    if key_limits.rate is not None:
        rates.append(key_limits.rate)
    if key_limits.slowed_requests_per_minute is not None:
        rates.append(KeyRate(key_limits.slowed_requests_per_minute, SLOWED_WINDOW_S))
    return min(rates, key=lambda rate: rate.requests / rate.window_s)


def status(account_id: int, tier: Tier) -> LimitStatus:
    """Return what the account may do. Raises: django.db.Error."""
    day_remaining = None
    if tier.day_requests is not None:
        now_us = counters.database_clock_us()
        day_requests = counters.day_count(_account_log(account_id), now_us)
        day_remaining = max(0, tier.day_requests - day_requests)
    interval: Literal["1s", "1m"] = "1m" if tier.is_free else "1s"
    return LimitStatus(tier.requests, interval, tier.day_requests, day_remaining)


class Limiter:
    """The stores of one process: Redis while it answers, else the process's own memory."""

    def __init__(self, redis_url: str, processes: int) -> None:
        self._processes = max(1, processes)
        self._memory = MemoryLimitStore()
        self._redis = RedisLimitStore(redis_url) if redis_url else None
        self._renewal = SlotHeartbeat(self._redis, self._memory) if self._redis else None

    def admit(self, check: LimitCheck) -> Admission:
        """Admit and count one request. Raises: LimitExceeded, LimitStoreUnavailable."""
        try:
            return self._admit(check)
        except LimitDenied as denied:
            raise _exceeded(check, denied) from None

    def judge(self, check: LimitCheck) -> None:
        """Judge one request, and count nothing. Raises: LimitExceeded, LimitStoreUnavailable."""
        try:
            self._judge(check)
        except LimitDenied as denied:
            raise _exceeded(check, denied) from None

    def _judge(self, check: LimitCheck) -> None:
        try:
            allowed = (self._redis or self._memory).judge(check)
        except StoreAway:
            check = self._share_of(check)
            allowed = self._memory.judge(check)
        if windows := [window for window in check.windows if window.in_database]:
            with _database_reached():
                counters.judge_all(windows, check.day_requests, _now_us(allowed))

    def _admit(self, check: LimitCheck) -> Admission:
        if self._redis is None or self._renewal is None:
            return self._decide(self._memory, check)
        self._renewal.ensure_running()
        try:
            admission = self._decide(self._redis, check)
        except StoreAway:
            return self._decide(self._memory, self._share_of(check))
        self._memory.note(check)
        return admission

    def _decide(self, store: LimitStore, check: LimitCheck) -> Admission:
        allowed = store.admit(check)
        try:
            limit, remaining, reset_s = _standing(store, check, allowed)
        except BaseException:
            store.withdraw(check, allowed)
            raise
        release = partial(self._release, check.account_id, check.lease_id, check.limited_key)
        return Admission(limit, max(0, remaining), reset_s, release)

    def _share_of(self, check: LimitCheck) -> LimitCheck:
        """Return this process's part of the limits. Raises: LimitStoreUnavailable where it has none."""
        share = check.share(live_processes.at_least(self._processes))
        if share.key_concurrency == 0:
            raise LimitStoreUnavailable
        return share

    def _release(self, account_id: int, lease_id: str, key_id: int | None) -> None:
        if self._memory.release(account_id, lease_id) and self._redis is not None:
            self._redis.release(account_id, lease_id, key_id)


_limiters: dict[tuple[str, int], Limiter] = {}


def _limiter() -> Limiter:
    """Return the process's limiter; concurrent first calls get the same one."""
    stores = settings.REDIS_URL, getattr(settings, "WEB_CONCURRENCY", 1)
    return _limiters.get(stores) or _limiters.setdefault(stores, Limiter(*stores))


def _standing(store: LimitStore, check: LimitCheck, allowed: Allowed) -> tuple[int, int, float]:
    """Count in the database the limits that it decides; return limit, remaining and reset_s.

    Raises: LimitDenied, LimitStoreUnavailable.
    """
    counted = [(check.account, allowed.used)]
    if check.key is not None:
        counted.append((check.key, allowed.key_used))
    windows = [window for window in check.windows if window.in_database]
    if not windows:
        return _tightest(counted)
    try:
        with _database_reached():
            now_us = _now_us(allowed)
            counts = counters.count_all(windows, check.day_requests, now_us)
    except LimitDenied as denied:
        if denied.source == "account_day" and check.day_requests is not None:
            store.mark_day_exhausted(check.account_id, check.day_requests, denied.wait_s)
        raise
    counted = [(window, used) for window, used in counted if not window.in_database]
    counted += zip(windows, (count.used for count in counts), strict=True)
    standing = _tightest(counted)
    if not check.account.in_database or check.day_requests is None:
        return standing
    until_midnight_s = counters.until_midnight_s(now_us)
    day_remaining = check.day_requests - counts[0].day_requests
    if day_remaining <= 0:
        store.mark_day_exhausted(check.account_id, check.day_requests, until_midnight_s)
    return min(standing, (check.day_requests, day_remaining, until_midnight_s), key=itemgetter(1))


def _tightest(counted: Iterable[tuple[Window, int]]) -> tuple[int, int, float]:
    """Return limit, remaining and reset_s of the window that has the fewest requests left."""
    return min(
        (
            (window.requests, window.allowed - used, float(window.window_s))
            for window, used in counted
        ),
        key=itemgetter(1),
    )


@contextlib.contextmanager
def _database_reached() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        outages.log_failure(logger, "Requests cannot be counted", error)
        raise LimitStoreUnavailable from error


def _now_us(allowed: Allowed) -> int:
    return counters.database_clock_us() if allowed.now_us is None else allowed.now_us


def _account_log(account_id: int) -> str:
    return f"account:{account_id}"


def _exceeded(check: LimitCheck, denied: LimitDenied) -> LimitExceeded:
    limits: dict[LimitCause, int] = {
        "account_day": check.day_requests or 0,
        "concurrency": check.concurrency or 0,
        "key_concurrency": check.key_concurrency or 0,
        **{window.source: window.requests for window in check.windows},
    }
    window_s: dict[LimitCause, int] = {
        "account_day": DAY_S,
        **{window.source: window.window_s for window in check.windows},
    }
    return LimitExceeded(
        denied.source,
        limit=limits[denied.source],
        retry_after_s=max(1, math.ceil(denied.wait_s)),
        reset_s=denied.reset_s,
        is_hopeless=window_s.get(denied.source, 0) >= DAY_S,
    )
