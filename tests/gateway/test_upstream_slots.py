"""Upstream slots: never more than there are, fair between accounts, none lost; in memory and in Redis."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from gateway.upstreams.shared_slots import SharedSlots
from gateway.upstreams.slot_store import SlotStore, Ticket
from gateway.upstreams.slot_store_memory import MemorySlots
from gateway.upstreams.slot_store_redis import RedisSlots
from tests.live.callers import wait_until
from tests.live.outages import own_redis

HANG_S = 20
KEY, OTHER = "key-one", "key-two"

Processes = Callable[[], SlotStore]


@pytest.fixture
def shared(redis_url: str) -> Iterator[Callable[..., SharedSlots]]:
    """Make processes that share the slots of one provider."""
    made: list[SharedSlots] = []
    stores: list[RedisSlots] = []

    def make(url: str = redis_url, *, processes: int = 2, lease_s: float = 10.0) -> SharedSlots:
        stores.append(RedisSlots(url, lease_s=lease_s))
        made.append(SharedSlots("gigachat", stores[-1], processes=processes))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    for store in stores:
        store.close()


@pytest.fixture(params=["memory", "redis"])
def processes(request: pytest.FixtureRequest, shared: Callable[..., SharedSlots]) -> Processes:
    """Make two processes in turn; in memory they are one."""
    made: list[SlotStore] = [MemorySlots()] if request.param == "memory" else [shared(), shared()]
    turns = itertools.cycle(made)
    return lambda: next(turns)


def _entered(store: SlotStore, account_id: int = 1, slots: int = 1, others: int = 0) -> Ticket:
    ticket = Ticket(account_id, {KEY: slots} | ({OTHER: others} if others else {}))
    store.enter(ticket)
    return ticket


def _is_granted(ticket: Ticket) -> bool:
    return ticket.credential is not None


def test_no_more_run_at_once_than_there_are_slots_and_all_have_their_turn(
    processes: Processes,
) -> None:
    lock = threading.Lock()
    running, most, served = 0, 0, 0

    def run(number: int) -> None:
        nonlocal running, most, served
        store, ticket = processes(), Ticket(number % 3, {KEY: 4})
        store.enter(ticket)
        assert ticket.wait(HANG_S)
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
            served += 1
        store.leave(ticket)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(run, range(120)))

    assert most == 4
    assert served == 120


def test_accounts_take_turns_and_each_is_served_in_its_order(processes: Processes) -> None:
    store = processes()
    running = _entered(store)
    assert running.wait(HANG_S)
    crowd = [_entered(store, account_id=1) for _ in range(4)]
    late = [_entered(processes(), account_id=2) for _ in range(2)]
    waiting, order = {*crowd, *late}, []

    while waiting:
        store.leave(running)
        wait_until(lambda: any(map(_is_granted, waiting)), "somebody is next")
        [running] = filter(_is_granted, waiting)
        waiting.remove(running)
        order.append(running)

    assert [ticket.account_id for ticket in order] == [1, 2, 1, 2, 1, 1]
    assert [ticket for ticket in order if ticket.account_id == 1] == crowd


def test_nobody_overtakes_those_who_wait(processes: Processes) -> None:
    store = processes()
    running = _entered(store)
    first, second = _entered(store, account_id=2), _entered(store, account_id=3)

    store.leave(running)

    assert first.wait(HANG_S)
    assert not _is_granted(second)


def test_the_credential_with_the_smaller_share_taken_is_used(processes: Processes) -> None:
    store = processes()

    used = [_entered(store, slots=4, others=2) for _ in range(6)]

    assert all(ticket.wait(HANG_S) for ticket in used)
    assert [ticket.credential for ticket in used].count(KEY) == 4
    assert {ticket.credential for ticket in used[:2]} == {KEY, OTHER}
    assert not _entered(store, slots=4, others=2).wait(0.2)


def test_who_may_not_use_a_credential_lets_others_have_it(processes: Processes) -> None:
    store = processes()
    _entered(store)
    picky = _entered(store)

    other = Ticket(1, {OTHER: 1})
    store.enter(other)

    assert other.wait(HANG_S)
    assert not _is_granted(picky)


def test_who_leaves_the_queue_takes_no_slot(processes: Processes) -> None:
    store = processes()
    running, gone, patient = (_entered(store) for _ in range(3))

    store.leave(gone)
    store.leave(running)
    store.leave(gone)

    assert patient.wait(HANG_S)
    store.leave(patient)
    assert _entered(processes()).wait(HANG_S)
    assert not _is_granted(gone)


def test_a_slot_given_back_twice_is_one_slot(processes: Processes) -> None:
    store = processes()
    running = _entered(store)
    assert running.wait(HANG_S)

    store.leave(running)
    store.leave(running)

    assert _entered(store).wait(HANG_S)
    assert not _entered(store).wait(0.2)


def test_the_leases_of_a_dead_process_lapse_and_those_of_a_living_one_do_not(
    shared: Callable[..., SharedSlots],
) -> None:
    dead, alive = shared(lease_s=2.5), shared(lease_s=2.5)
    assert _entered(dead, slots=2).wait(HANG_S)
    assert _entered(alive, slots=2).wait(HANG_S)
    next_in_line = _entered(dead, slots=2)
    dead.stop()

    freed = _entered(alive, account_id=2, slots=2)

    assert freed.wait(HANG_S)
    assert not _is_granted(next_in_line)  # its process is silent, so that its place went too
    time.sleep(3)
    assert not _entered(alive, account_id=3, slots=2).wait(0.2)


def test_a_thousand_who_wait_cost_redis_no_more_than_one(
    shared: Callable[..., SharedSlots], redis_client: redis.Redis
) -> None:
    store = shared()
    running = _entered(store)
    crowd = [_entered(store, account_id=number % 50) for number in range(1000)]
    calls_before = _calls(redis_client)

    time.sleep(1)

    assert _calls(redis_client) - calls_before < 150
    store.leave(running)
    wait_until(lambda: any(map(_is_granted, crowd)), "the first is served")


def test_leases_survive_a_flush(
    shared: Callable[..., SharedSlots], redis_client: redis.Redis
) -> None:
    store = shared()
    assert _entered(store).wait(HANG_S)
    waiting = _entered(store)

    redis_client.flushdb()
    wait_until(lambda: redis_client.zcard(_leases()) == 1, "the lease is told again")

    assert _entered(shared()).wait(0.2) is False
    assert not _is_granted(waiting)


def test_while_redis_is_away_each_process_has_its_share(
    shared: Callable[..., SharedSlots],
) -> None:
    with own_redis() as server:
        one, two = shared(server.url), shared(server.url)
        held = [_entered(one, slots=10) for _ in range(8)]
        assert all(ticket.wait(HANG_S) for ticket in held)
        assert _entered(two, slots=10).wait(HANG_S)
        server.stop()

        more = [_entered(store, slots=10) for store in (one, two) for _ in range(10)]
        granted = [ticket for ticket in more if ticket.wait(0.02)]

        assert len(held) + 1 + len(granted) <= 10
        for ticket in held:
            one.leave(ticket)
        wait_until(lambda: sum(map(_is_granted, more[:10])) == 5, "the share is used")

        server.start()
        for ticket in more[10:]:
            two.leave(ticket)
        wait_until(lambda: sum(map(_is_granted, more[:10])) == 9, "the slots are shared again")


def test_a_cap_below_the_number_of_processes_leaves_no_share(
    shared: Callable[..., SharedSlots],
) -> None:
    with own_redis() as server:
        store = shared(server.url)
        server.stop()
        assert not _entered(store).wait(0.3)


def _leases() -> str:
    return "xr:slots:{gigachat}:leases:" + KEY


def _calls(client: redis.Redis) -> int:
    return int(client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])
