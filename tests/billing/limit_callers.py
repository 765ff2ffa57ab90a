"""A process of callers, run as a program: says `ready`, waits for a line, calls, prints stamps.

Usage: python -m tests.billing.limit_callers MODE THREADS ARGUMENT

free URL        one request of a free account per thread, straight to the store
paid URL        requests of an account with 50 credits until all processes have 150 admitted
naive URL       the same, counted the wrong way: so many in each second of the clock
leases URL      take 3 leases of a second each, then stay until killed
admit ACCOUNT   one request of that free account per thread, through the public interface
plan ACCOUNT    one call of that account's per thread that has a limit of its own
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import django
import redis
from django.db import connection

django.setup()

from accounts.principal import UNLIMITED  # noqa: E402
from billing.limits import request_limits  # noqa: E402
from billing.limits.redis_store import RedisLimitStore  # noqa: E402
from billing.limits.store import LimitDenied  # noqa: E402
from tests.billing.limit_checks import free_demand, paid_demand  # noqa: E402

CREDITS, GOAL = 50, 150

Call = Callable[[], list[int]]


def free(url: str) -> Call:
    store = RedisLimitStore(url)

    def call() -> list[int]:
        try:
            return [store.admit(free_demand(1)).stamp_us]
        except LimitDenied:
            return []

    return call


def paid(url: str) -> Call:
    store, client = RedisLimitStore(url), redis.Redis.from_url(url)

    def call() -> list[int]:
        stamps = []
        while int(client.get("admitted") or 0) < GOAL:
            try:
                stamps.append(store.admit(paid_demand(1, CREDITS)).stamp_us)
            except LimitDenied as refusal:
                time.sleep(min(refusal.wait_s, 0.01))
            else:
                client.incr("admitted")
        return stamps

    return call


def naive(url: str) -> Call:
    client = redis.Redis.from_url(url)

    def call() -> list[int]:
        stamps = []
        while int(client.get("admitted") or 0) < GOAL:
            seconds, microseconds = client.time()
            if client.incr(f"naive:{seconds}") <= CREDITS:
                stamps.append(seconds * 1_000_000 + microseconds)
                client.incr("admitted")
            else:
                time.sleep(0.01)
        return stamps

    return call


def leases(url: str) -> Call:
    store = RedisLimitStore(url, lease_s=1)
    for _ in range(3):
        store.admit(free_demand(1, concurrency=3))
    return lambda: [int(threading.Event().wait())]


def admit(account_id: str) -> Call:
    def call() -> list[int]:
        lease_id = f"{os.getpid()}-{threading.get_ident()}"
        try:
            request_limits.admit(
                int(account_id), None, request_limits.tier_of(0), UNLIMITED, lease_id
            )
        except request_limits.LimitExceeded:
            return []
        finally:
            connection.close()
        return [time.time_ns() // 1000]

    return call


def plan(account_id: str) -> Call:
    def call() -> list[int]:
        try:
            request_limits.admit_apart(int(account_id), "plan")
        except request_limits.LimitExceeded:
            return []
        finally:
            connection.close()
        return [time.time_ns() // 1000]

    return call


def main(mode: str, threads: str, argument: str) -> None:
    modes = (free, paid, naive, leases, admit, plan)
    call = {named.__name__: named for named in modes}[mode](argument)
    with ThreadPoolExecutor(int(threads)) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        stamps = [future.result() for future in [pool.submit(call) for _ in range(int(threads))]]
    json.dump([stamp for some in stamps for stamp in some], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
