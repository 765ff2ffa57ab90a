"""One thread runs a function periodically and on wake-up, and survives failures, stops and forks."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.background import Background

NEVER_S = 60.0
SOON_S = 30.0

_FORK = """
import os, sys, threading, time, warnings
if sys.argv[1] == "gevent":
    import gevent.monkey
    gevent.monkey.patch_all()
warnings.simplefilter("ignore")
from infra.background import Background

runs = []
is_run = threading.Event()

def run():
    runs.append(os.getpid())
    is_run.set()

def run_once():
    is_run.clear()
    background.wake()
    assert is_run.wait(5)

background = Background("test", run, every_s=60)
assert background.ensure_running()
run_once()
child = os.fork()
if not child:
    try:
        runs.clear()
        assert background.ensure_running(), "no thread of its own"
        run_once()
        time.sleep(0.05)
        assert runs == [os.getpid()], runs
        background.stop()
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, "the child failed"
assert not background.ensure_running()
run_once()
background.stop()
"""


class Work:
    """Counts its calls; `wait_for` returns when there were so many."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.calls += 1
            self._changed.notify_all()
        if self.error:
            raise self.error

    def wait_for(self, calls: int):
        with self._changed:
            return self._changed.wait_for(lambda: self.calls >= calls, SOON_S)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def background_of() -> Iterator[Callable[..., Background]]:
    """Make backgrounds that end with the test."""
    created: list[Background] = []

    def make(run: Callable[[], object], **options) -> Background:
        created.append(Background("test", run, **options))
        return created[-1]

    yield make
    for background in created:
        background.stop()


def _threads() -> int:
    return sum(thread.name == "test" for thread in threading.enumerate())


def test_no_thread_runs_before_it_is_needed(background_of, work):
    background_of(work, every_s=NEVER_S)
    assert _threads() == 0


def test_it_runs_periodically(background_of, work):
    background_of(work, every_s=0.01).ensure_running()
    assert work.wait_for(3)


def test_the_period_may_be_asked_before_each_wait(background_of, work):
    periods = iter([0.01, 0.02])
    background_of(work, every_s=lambda: next(periods, None)).ensure_running()
    assert work.wait_for(2)


def test_the_first_call_comes_after_the_first_wait(background_of, work):
    background = background_of(work, every_s=NEVER_S)
    background.ensure_running()
    background.stop()
    assert work.calls == 0


def test_a_wake_up_is_a_call_at_once(background_of, work):
    background = background_of(work, every_s=None)
    background.ensure_running()
    background.wake()
    assert work.wait_for(1)


def test_a_wake_up_during_a_call_is_one_more_call(background_of):
    is_in, may_go, calls = threading.Event(), threading.Event(), Work()

    def run() -> None:
        is_in.set()
        may_go.wait(SOON_S)
        calls()

    background = background_of(run, every_s=None)
    background.ensure_running()
    background.wake()
    assert is_in.wait(SOON_S)
    background.wake()
    may_go.set()
    assert calls.wait_for(2)


def test_between_two_calls_is_a_pause_however_often_it_is_woken(background_of):
    at_s: list[float] = []
    background = background_of(lambda: at_s.append(time.monotonic()), every_s=None, pause_s=0.05)
    background.ensure_running()
    give_up_s = time.monotonic() + SOON_S
    while len(at_s) < 3 and time.monotonic() < give_up_s:
        background.wake()
        time.sleep(0.001)
    assert at_s[2] - at_s[0] >= 0.1


def test_many_who_need_it_at_once_start_one_thread_and_one_hears_of_it(background_of, work):
    background = background_of(work, every_s=NEVER_S)
    barrier = threading.Barrier(10)

    def start(_: int):
        barrier.wait()
        return background.ensure_running()

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(start, range(10))) == [False] * 9 + [True]
    assert _threads() == 1


def test_it_outlives_failures_and_logs_the_first_in_a_row(background_of, work, caplog):
    caplog.set_level(logging.INFO, "infra.background")
    work.error = ValueError("lost")
    background = background_of(work, every_s=0.01)
    background.ensure_running()
    assert work.wait_for(3)
    work.error = None
    assert work.wait_for(work.calls + 2)
    background.stop()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "lost" in caplog.text


def test_a_stop_waits_for_the_call_that_runs(background_of):
    is_in, steps = threading.Event(), []

    def run() -> None:
        is_in.set()
        time.sleep(0.05)
        steps.append("done")

    background = background_of(run, every_s=None)
    background.ensure_running()
    background.wake()
    assert is_in.wait(SOON_S)
    background.stop()
    assert steps == ["done"]
    assert _threads() == 0


def test_it_starts_again_after_a_stop_and_waits_first(background_of, work):
    background = background_of(work, every_s=NEVER_S)
    background.ensure_running()
    background.stop()
    assert background.ensure_running()
    background.stop()
    assert work.calls == 0
    background.ensure_running()
    background.wake()
    assert work.wait_for(1)


def test_it_may_stop_itself(background_of):
    is_over = threading.Event()

    def run() -> None:
        background.stop()
        is_over.set()

    background = background_of(run, every_s=0.01)
    background.ensure_running()
    assert is_over.wait(SOON_S)
    assert background.ensure_running()


@pytest.mark.parametrize("threads", ["threads", "gevent"])
def test_a_forked_child_has_a_thread_of_its_own_and_the_parent_keeps_its_one(threads):
    done = subprocess.run(
        [sys.executable, "-c", _FORK, threads], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
