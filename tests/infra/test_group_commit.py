"""Group commit, without any database: who is committed with whom, and who hears what of it."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from time import monotonic
from types import SimpleNamespace

import pytest

from infra import group_commit
from infra.group_commit import MAX_BATCH, GroupCommit, QueueStalled, StillRunning

HANG_S = 60


class Store:
    """Doubles numbers; odd ones can be refused, and a shut gate keeps a batch inside."""

    def __init__(self):
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_inside = threading.Event()
        self.rests = threading.Semaphore(0)
        self.hurries = 0
        self.undone: list[int] = []

    def commit(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        self.is_inside.set()
        assert self.gate.wait(HANG_S)
        return [KeyError(number) if number < 0 else 2 * number for number in numbers]

    def rest(self):
        self.rests.release()

    def hurry(self):
        self.hurries += 1


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def group(store):
    group = GroupCommit(store.commit, name="numbers", rest=store.rest, hurry=store.hurry)
    yield group
    store.gate.set()
    assert group.flush(HANG_S)


def shut(store, group):
    """Have a batch of its own wait inside the store."""
    store.gate.clear()
    waiter = threading.Thread(target=group.submit, args=(0,), kwargs={"timeout_s": HANG_S})
    waiter.start()
    assert store.is_inside.wait(HANG_S)
    return waiter


def submit_all(group, numbers):
    """Submit from a thread each, in order; return the threads and what they will have heard."""
    heard: dict[int, object] = {}

    def submit(number):
        try:
            heard[number] = group.submit(number, timeout_s=HANG_S)
        except Exception as error:
            heard[number] = error

    threads = []
    for number in numbers:
        queued = len(group._queue)
        thread = threading.Thread(target=submit, args=(number,))
        thread.start()
        while len(group._queue) == queued and thread.is_alive():
            pass
        threads.append(thread)
    return threads, heard


def test_an_item_that_comes_alone_is_committed_alone(store, group):
    assert group.submit(4, timeout_s=HANG_S) == 8
    assert store.batches == [[4]]


def test_what_queues_up_during_a_commit_is_one_batch_in_the_order_of_arrival(store, group):
    first = shut(store, group)
    threads, heard = submit_all(group, [5, 1, 3, 2])
    store.gate.set()
    for thread in [first, *threads]:
        thread.join(HANG_S)

    assert store.batches == [[0], [5, 1, 3, 2]]
    assert heard == {5: 10, 1: 2, 3: 6, 2: 4}


def test_an_item_that_is_refused_is_its_own_waiters_matter(store, group):
    first = shut(store, group)
    threads, heard = submit_all(group, [1, -1, 2])
    store.gate.set()
    for thread in [first, *threads]:
        thread.join(HANG_S)

    assert (heard[1], heard[2]) == (2, 4)
    assert isinstance(heard[-1], KeyError)


def test_a_batch_is_bounded(store, group):
    first = shut(store, group)
    for number in range(2 * MAX_BATCH + 1):
        group.post(number)
    store.gate.set()
    first.join(HANG_S)
    assert group.flush(HANG_S)

    assert [len(batch) for batch in store.batches] == [1, MAX_BATCH, MAX_BATCH, 1]


@pytest.mark.parametrize("outcomes", [[], [1, 2]])
def test_a_store_that_breaks_fails_its_batch_and_not_the_next(outcomes):
    answers = iter([outcomes, [7]])
    group: GroupCommit[int, int] = GroupCommit(lambda numbers: next(answers), name="broken")

    with pytest.raises(RuntimeError, match="1 items have"):
        group.submit(1, timeout_s=HANG_S)
    assert group.submit(1, timeout_s=HANG_S) == 7
    assert group.flush(HANG_S)


def test_a_waiter_whose_time_is_over_goes_and_its_item_is_committed_all_the_same(store, group):
    first = shut(store, group)
    with pytest.raises(StillRunning):
        group.submit(9, timeout_s=0.01)
    store.gate.set()
    first.join(HANG_S)
    assert group.flush(HANG_S)

    assert store.batches == [[0], [9]]
    assert store.hurries >= 1


def undoing(store: Store) -> GroupCommit[int, int]:
    return GroupCommit(store.commit, name="numbers", undo=store.undone.append)


def test_where_there_is_an_undo_an_item_nobody_waits_for_is_never_committed(store):
    group = undoing(store)
    first = shut(store, group)
    with pytest.raises(StillRunning):
        group.submit(9, timeout_s=0.01)
    store.gate.set()
    first.join(HANG_S)
    assert group.flush(HANG_S)

    assert store.batches == [[0]]
    assert store.undone == []


def test_where_there_is_an_undo_what_was_committed_for_nobody_is_undone_once(store):
    group = undoing(store)
    store.gate.clear()
    with pytest.raises(StillRunning):
        group.submit(9, timeout_s=0.2)
    store.gate.set()
    assert group.flush(HANG_S)

    assert store.batches == [[9]]
    assert store.undone == [18]


def test_the_thread_rests_when_nothing_is_left_and_ends_when_flushed(store, group):
    group.submit(1, timeout_s=HANG_S)
    assert store.rests.acquire(timeout=HANG_S)

    assert group.flush(HANG_S)
    assert not [thread for thread in threading.enumerate() if thread.name == "numbers"]
    assert group.submit(2, timeout_s=HANG_S) == 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_rest_that_fails_ends_the_thread_and_the_next_item_starts_another(store):
    rested: SimpleQueue[threading.Thread] = SimpleQueue()

    def rest():
        rested.put(threading.current_thread())
        raise OSError

    group = GroupCommit(store.commit, name="numbers", rest=rest, linger_s=0)
    for number in range(3):
        assert group.submit(number, timeout_s=HANG_S) == 2 * number
        for _ in range(2):  # when nothing is left, and when the thread ends
            rested.get(timeout=HANG_S).join(HANG_S)


def test_a_flush_says_when_it_was_not_in_time(store, group):
    first = shut(store, group)
    assert not group.flush(0.05)
    store.gate.set()
    first.join(HANG_S)


def run(script):
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)


def test_a_forked_child_commits_its_own_items_and_not_its_parents():
    run("""
import os, threading
from infra.group_commit import GroupCommit

gate, inside, batches = threading.Event(), threading.Event(), []

def commit(numbers):
    batches.append(list(numbers))
    inside.set()
    assert gate.wait(30)
    return [2 * number for number in numbers]

group = GroupCommit(commit, name="numbers")
group.post(1)
assert inside.wait(30)
group.post(2)
child = os.fork()
if not child:
    gate.set()
    ok = group.submit(3, timeout_s=30) == 6 and batches == [[1], [3]]
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
gate.set()
assert group.flush(30)
assert batches == [[1], [2]]
""")


def test_under_gevent_greenlets_wait_together_and_a_killed_one_is_undone():
    run("""
from gevent import monkey
monkey.patch_all()
import gevent, threading
from infra.group_commit import GroupCommit

gate, inside, batches, undone = threading.Event(), threading.Event(), [], []

def commit(numbers):
    batches.append(list(numbers))
    inside.set()
    assert gate.wait(30)
    return [2 * number for number in numbers]

group = GroupCommit(commit, name="numbers", undo=undone.append)
first = gevent.spawn(group.submit, 1, timeout_s=30)
assert inside.wait(30)
rest = [gevent.spawn(group.submit, number, timeout_s=30) for number in range(2, 130)]
gevent.sleep(0)
first.kill()
rest[0].kill()
gate.set()
gevent.joinall(rest, timeout=30)
assert group.flush(30)
assert [greenlet.value for greenlet in rest[1:]] == [2 * number for number in range(3, 130)]
assert batches == [[1], list(range(3, 130))], batches
assert undone == [2], undone
""")


def test_under_gevent_a_batch_gathers_whoever_can_come_without_waiting():
    run("""
from gevent import monkey
monkey.patch_all()
import gevent, threading
from infra import group_commit

group_commit.GATHER_S = 30  # the end of the test is not for want of time
gate, inside, batches = threading.Event(), threading.Event(), []

def commit(numbers):
    batches.append(list(numbers))
    inside.set()
    assert gate.wait(30)
    return numbers

group = group_commit.GroupCommit(commit, name="numbers")
group.post(0)
assert inside.wait(30)

def one_by_one():
    for number in range(3, 20):
        gevent.sleep(0)
        group.post(number)

for number in (1, 2):
    group.post(number)
gate.set()
while len(batches) < 2:
    gevent.sleep(0)
gevent.spawn(one_by_one).join(30)
assert group.flush(20)
assert batches == [[0], [1, 2], list(range(3, 20))], batches
""")


def test_under_gevent_a_waiter_killed_while_its_outcome_comes_has_it_undone():
    run("""
from gevent import monkey
monkey.patch_all()
import gevent
from infra.group_commit import GroupCommit

undone = []
waiter = None

def commit(numbers):
    if waiter:
        waiter.kill(block=False)  # it will hear of it when the outcome is there
    return [2 * number for number in numbers]

group = GroupCommit(commit, name="numbers", undo=undone.append)
assert group.submit(0, timeout_s=30) == 0  # the thread runs: its start would hand the outcome on
waiter = gevent.spawn(group.submit, 1, timeout_s=30)
gevent.joinall([waiter], timeout=30)
assert group.flush(30)
assert undone == [2], undone
""")


def test_a_process_that_ends_commits_what_is_queued_when_it_is_flushed_at_exit(tmp_path):
    done = tmp_path / "done"
    run(f"""
import atexit, pathlib, time
from infra.group_commit import GroupCommit

def commit(numbers):
    time.sleep(0.05)
    with pathlib.Path({str(done)!r}).open("a") as file:
        file.writelines(f"{{number}}\\n" for number in numbers)
    return numbers

group = GroupCommit(commit, name="numbers")
atexit.register(group.flush, 30)
for number in range(600):
    group.post(number)
""")
    assert done.read_text().split() == [str(number) for number in range(600)]


def test_nothing_is_taken_in_while_the_oldest_item_has_waited_too_long(store):
    group = GroupCommit(store.commit, name="numbers", stalled_s=0.0)
    first = shut(store, group)
    group.post(2)
    with pytest.raises(QueueStalled):
        group.submit(1, timeout_s=HANG_S)
    store.gate.set()
    first.join(HANG_S)
    assert group.flush(HANG_S)

    assert group.submit(3, timeout_s=HANG_S) == 6
    assert group.flush(HANG_S)
    assert store.batches == [[0], [2], [3]]


def test_after_a_batch_in_company_the_next_gathers_some_too(store, group, monkeypatch):
    is_gathering, may_go_on = threading.Event(), threading.Event()

    def gather(_):
        is_gathering.set()
        assert may_go_on.wait(HANG_S)

    monkeypatch.setattr(group_commit, "time", SimpleNamespace(monotonic=monotonic, sleep=gather))
    first = shut(store, group)
    threads, _ = submit_all(group, [1, 2])
    store.gate.set()
    assert is_gathering.wait(HANG_S)
    later, _ = submit_all(group, [3, 4, 5])
    may_go_on.set()
    for thread in [first, *threads, *later]:
        thread.join(HANG_S)

    assert store.batches == [[0], [1, 2], [3, 4, 5]]
