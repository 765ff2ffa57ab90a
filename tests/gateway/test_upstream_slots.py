"""Upstream slots: never more than there are, fair between accounts, none lost; in memory and in Redis."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from gateway.upstreams.slots.memory_store import MemorySlots
from gateway.upstreams.slots.redis_store import RedisSlots
from gateway.upstreams.slots.shared_slots import SharedSlots
from gateway.upstreams.slots.store import SlotRequest, SlotStore
from tests.live.callers import wait_until
from tests.live.outages import own_redis

HANG_S = 60
KEY, OTHER = "key-one", "key-two"

Processes = Callable[[], SlotStore]


@pytest.fixture
def shared(redis_url: str) -> Iterator[Callable[..., SharedSlots]]:
    """Make processes that share the slots of one provider."""
    created: list[SharedSlots] = []
    stores: list[RedisSlots] = []

    def make(url: str = redis_url, *, processes: int = 2, lease_s: float = 10.0) -> SharedSlots:
        stores.append(RedisSlots(url, lease_s=lease_s))
        created.append(SharedSlots("gigachat", stores[-1], processes=processes))
        return created[-1]

    yield make
    for item in created:
        item.stop()
    for store in stores:
        store.close()


@pytest.fixture(params=["memory", "redis"])
def processes(request: pytest.FixtureRequest, shared: Callable[..., SharedSlots]) -> Processes:
    """Make two processes in turn; in memory they are one."""
    created: list[SlotStore] = (
        [MemorySlots()] if request.param == "memory" else [shared(), shared()]
    )
    turns = itertools.cycle(created)
    return lambda: next(turns)


def _entered(store: SlotStore, account_id: int = 1, slots: int = 1, others: int = 0) -> SlotRequest:
    slot_request = SlotRequest(account_id, {KEY: slots} | ({OTHER: others} if others else {}))
    store.enter(slot_request)
    return slot_request


def _is_granted(slot_request: SlotRequest) -> bool:
    return slot_request.credential is not None


def test_no_more_run_at_once_than_there_are_slots_and_all_have_their_turn(
    processes: Processes,
) -> None:
    lock = threading.Lock()
    running, most, served = 0, 0, 0

    def run(number: int) -> None:
        nonlocal running, most, served
        store, slot_request = processes(), SlotRequest(number % 3, {KEY: 4})
        store.enter(slot_request)
        assert slot_request.wait(HANG_S)
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
            served += 1
        store.leave(slot_request)

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

    assert [slot_request.account_id for slot_request in order] == [1, 2, 1, 2, 1, 1]
    assert [slot_request for slot_request in order if slot_request.account_id == 1] == crowd


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

    assert all(slot_request.wait(HANG_S) for slot_request in used)
    assert [slot_request.credential for slot_request in used].count(KEY) == 4
    assert {slot_request.credential for slot_request in used[:2]} == {KEY, OTHER}
    assert not _entered(store, slots=4, others=2).wait(0.2)


def test_who_may_not_use_a_credential_lets_others_have_it(processes: Processes) -> None:
    store = processes()
    _entered(store)
    picky = _entered(store)

    other = SlotRequest(1, {OTHER: 1})
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


def test_a_free_slot_is_seen_from_elsewhere(processes: Processes) -> None:
    store, other = processes(), processes()
    assert other.has_room({KEY: 1})
    running = _entered(store)
    assert running.wait(HANG_S)

    assert not other.has_room({KEY: 1})
    assert other.has_room({KEY: 1, OTHER: 1})
    store.leave(running)

    wait_until(lambda: other.has_room({KEY: 1}), "the slot is given back")


def test_who_waits_is_remembered_for_as_long_as_it_waits(
    shared: Callable[..., SharedSlots], redis_client: redis.Redis
) -> None:
    store = shared()
    running, waiting = _entered(store), _entered(store)
    queue = "xr:slots:{gigachat}:queue:1"

    redis_client.pexpire(queue, 5_000)

    wait_until(lambda: redis_client.pttl(queue) > 30_000, "the queue is told again")
    store.leave(running)
    assert waiting.wait(HANG_S)


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
    shared: Callable[..., SharedSlots],
) -> None:
    # A Redis of its own: whoever else asks the tests' one is counted there too.
    with own_redis() as server, redis.Redis.from_url(server.url) as client:
        store = shared(server.url)
        running = _entered(store)
        crowd = [_entered(store, account_id=number % 50) for number in range(1000)]
        calls_before = _calls(client)

        time.sleep(1)

        assert _calls(client) - calls_before < 150
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
        first, two = shared(server.url), shared(server.url)
        held = [_entered(first, slots=10) for _ in range(8)]
        assert all(slot_request.wait(HANG_S) for slot_request in held)
        assert _entered(two, slots=10).wait(HANG_S)
        server.stop()

        more = [_entered(store, slots=10) for store in (first, two) for _ in range(10)]
        granted = [slot_request for slot_request in more if slot_request.wait(0.02)]

        assert len(held) + 1 + len(granted) <= 10
        for slot_request in held:
            first.leave(slot_request)
        wait_until(lambda: sum(map(_is_granted, more[:10])) == 5, "the share is used")

        server.start()
        for slot_request in more[10:]:
            two.leave(slot_request)
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
