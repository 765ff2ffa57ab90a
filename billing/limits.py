"""May this request run now? Every limit of its account and key, decided and counted at once."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Literal

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.principal import KeyRate
from billing import counters
from billing.lease_renewal import LeaseRenewal
from billing.limit_store import Demand, Grant, LimitSource, LimitStore, Refusal, StoreAway, Window
from billing.limit_store_memory import MemoryLimitStore
from billing.limit_store_redis import RedisLimitStore
from billing.tiers import Tier, tier_of

__all__ = [
    "Admission",
    "LimitExceeded",
    "LimitSource",
    "LimitStatus",
    "LimitStoreUnavailable",
    "Tier",
    "admit",
    "status",
    "tier_of",
]

DAY_S = 86_400
STORE_RETRY_AFTER_S = 5

LIMIT_TEXTS: dict[LimitSource, str] = {
    "account_minute": "The free tier allows {limit} requests in any 60 seconds.",
    "account_day": "The free tier allows {limit} requests a day, until Moscow's midnight.",
    "account_second": "The rate of this balance is reached: {limit} a second, one per credit.",
    "key": "This key's own rate of {limit} is reached.",
    "concurrency": "As many requests as may be are running for this account: {limit}.",
}

logger = logging.getLogger(__name__)


class LimitExceeded(Exception):
    """A limit refuses the request, which counts nowhere.

    Who waits `retry_after_s`, whole seconds, passes if nobody else took the place. In `reset_s` the
    limit is whole again. `is_hopeless` tells clients not to try again by themselves.
    """

    def __init__(
        self,
        source: LimitSource,
        *,
        limit: int,
        retry_after_s: int,
        reset_s: float,
        is_hopeless: bool,
    ) -> None:
        text = LIMIT_TEXTS[source].format(limit=limit)
        super().__init__(f"{text} Repeat the request in {retry_after_s} s.")
        self.source = source
        self.limit = limit
        self.remaining = 0
        self.retry_after_s = retry_after_s
        self.reset_s = reset_s
        self.is_hopeless = is_hopeless


class LimitStoreUnavailable(Exception):
    """Nothing is left that could count the request exactly."""

    retry_after_s = STORE_RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may run, and the account's tightest limit as it stands with it.

    `reset_s` is when that limit is whole again if nothing follows.
    """

    limit: int
    remaining: int
    reset_s: float
    give_back: Callable[[], None]

    def release(self) -> None:
        """Give the place among the requests at once back; a second time does nothing."""
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
    key_rate: KeyRate | None,
    lease_id: str,
) -> Admission:
    """Admit and count one request. `lease_id` is unique to it.

    Raises: LimitExceeded, LimitStoreUnavailable.
    """
    demand = Demand(
        account_id=account_id,
        lease_id=lease_id,
        account=Window(
            "account_minute" if tier.is_free else "account_second",
            _account_log(account_id),
            tier.requests,
            tier.window_s,
            in_database=tier.day_requests is not None,
        ),
        key=Window("key", f"key:{credential_id}", key_rate.requests, key_rate.window_s)
        if key_rate
        else None,
        day_requests=tier.day_requests,
        concurrency=tier.concurrency,
    )
    return _limiter().admit(demand)


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
        self._renewal = LeaseRenewal(self._redis, self._memory) if self._redis else None

    def admit(self, demand: Demand) -> Admission:
        """Admit and count one request. Raises: LimitExceeded, LimitStoreUnavailable."""
        try:
            return self._admit(demand)
        except Refusal as refusal:
            raise _exceeded(demand, refusal) from None

    def _admit(self, demand: Demand) -> Admission:
        if self._redis is None or self._renewal is None:
            return self._decide(self._memory, demand)
        self._renewal.ensure_running()
        try:
            admission = self._decide(self._redis, demand)
        except StoreAway:
            return self._decide(self._memory, demand.share(self._processes))
        self._memory.note(demand)
        return admission

    def _decide(self, store: LimitStore, demand: Demand) -> Admission:
        grant = store.admit(demand)
        try:
            limit, remaining, reset_s = _standing(store, demand, grant)
        except BaseException:
            store.withdraw(demand, grant)
            raise
        release = partial(self._release, demand.account_id, demand.lease_id)
        return Admission(limit, max(0, remaining), reset_s, release)

    def _release(self, account_id: int, lease_id: str) -> None:
        if self._memory.release(account_id, lease_id) and self._redis is not None:
            self._redis.release(account_id, lease_id)


_limiters: dict[tuple[str, int], Limiter] = {}


def _limiter() -> Limiter:
    """Return the process's limiter, the same one to all who ask for the first time at once."""
    stores = settings.REDIS_URL, getattr(settings, "WEB_CONCURRENCY", 1)
    return _limiters.get(stores) or _limiters.setdefault(stores, Limiter(*stores))


def _standing(store: LimitStore, demand: Demand, grant: Grant) -> tuple[int, int, float]:
    """Let the database confirm what it has the last word on; return limit, remaining and reset_s.

    Raises: Refusal, LimitStoreUnavailable.
    """
    account = demand.account
    standing = account.requests, account.allowed - grant.used, float(account.window_s)
    windows = [window for window in demand.windows if window.in_database]
    if not windows:
        return standing
    try:
        now_us = counters.database_clock_us() if grant.now_us is None else grant.now_us
        counts = counters.count_all(windows, demand.day_requests, now_us)
    except DatabaseError as error:
        logger.warning("Requests cannot be counted: %s", error)
        raise LimitStoreUnavailable from error
    except Refusal as refusal:
        if refusal.source == "account_day" and demand.day_requests is not None:
            store.close_day(demand.account_id, demand.day_requests, refusal.wait_s)
        raise
    if not account.in_database:
        return standing
    standing = account.requests, account.requests - counts[0].used, standing[2]
    if demand.day_requests is None:
        return standing
    until_midnight_s = counters.until_midnight_s(now_us)
    day_remaining = demand.day_requests - counts[0].day_requests
    if day_remaining <= 0:
        store.close_day(demand.account_id, demand.day_requests, until_midnight_s)
    return min(standing, (demand.day_requests, day_remaining, until_midnight_s), key=itemgetter(1))


def _account_log(account_id: int) -> str:
    return f"account:{account_id}"


def _exceeded(demand: Demand, refusal: Refusal) -> LimitExceeded:
    limits: dict[LimitSource, int] = {
        demand.account.source: demand.account.requests,
        "account_day": demand.day_requests or 0,
        "key": demand.key.requests if demand.key else 0,
        "concurrency": demand.concurrency,
    }
    window_s = {demand.account.source: demand.account.window_s, "account_day": DAY_S}
    if demand.key:
        window_s["key"] = demand.key.window_s
    return LimitExceeded(
        refusal.source,
        limit=limits[refusal.source],
        retry_after_s=max(1, math.ceil(refusal.wait_s)),
        reset_s=refusal.reset_s,
        is_hopeless=window_s.get(refusal.source, 0) >= DAY_S,
    )
