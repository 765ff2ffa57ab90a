"""Demands as the tests of the limits make them."""

import itertools
import os

from billing.limits.store import LimitCheck, Window

_leases = itertools.count(1)


def free_demand(
    account_id: int,
    *,
    key: tuple[int, int] | None = None,
    concurrency: int = 1000,
    in_database: bool = False,
) -> LimitCheck:
    """Return a request of the free tier; `key` is (requests, window_s)."""
    window = Window("account_minute", f"account:{account_id}", 20, 60, in_database=in_database)
    return _demand(account_id, window, key, 200, concurrency)


def paid_demand(
    account_id: int,
    requests: int,
    *,
    key: tuple[int, int] | None = None,
    concurrency: int = 1000,
) -> LimitCheck:
    """Return a request of the paid tier with so many credits."""
    window = Window("account_second", f"account:{account_id}", requests, 1)
    return _demand(account_id, window, key, None, concurrency)


def _demand(
    account_id: int,
    window: Window,
    key: tuple[int, int] | None,
    day_requests: int | None,
    concurrency: int,
) -> LimitCheck:
    return LimitCheck(
        account_id=account_id,
        lease_id=f"lease-{os.getpid()}-{next(_leases)}",
        account=window,
        key=Window("key", f"key:{account_id}", *key) if key else None,
        day_requests=day_requests,
        concurrency=concurrency,
    )


def most_in_any_window(stamps_us: list[int], window_s: float) -> int:
    """Return the largest number of stamps in any half-open window of that length."""
    stamps_us, most, first = sorted(stamps_us), 0, 0
    for last, stamp_us in enumerate(stamps_us):
        while stamp_us - stamps_us[first] >= window_s * 1_000_000:
            first += 1
        most = max(most, last - first + 1)
    return most
