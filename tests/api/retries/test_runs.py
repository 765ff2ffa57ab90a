"""Which run a request joins: in one process, in two that share Redis, and when one of them dies."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.http import HttpResponse
from redis import Redis

from billing.models import LedgerEntry
from gateway.api.errors import IdempotencyMismatch
from gateway.api.json_response import JSONResponse
from gateway.api.retries import answer_once as answering
from gateway.api.retries.answer_once import Work, answer_once
from gateway.api.retries.identity import Identity
from gateway.api.retries.kept_answer import seal, unseal
from gateway.api.retries.memory_runs import MemoryRuns
from gateway.api.retries.run import Ended, Run, RunLost
from gateway.api.retries.runs import JoinedRun, Runs
from gateway.api.retries.runs import _runs as process_runs
from gateway.api.retries.shared_runs import SharedRuns
from tests.api.retries.requests import BODY, CALLER, KEY, identity
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one
from tests.live.callers import wait_until
from tests.live.outages import own_redis

ANSWER = JSONResponse({"id": "gen-1"}, headers={"X-Generation-Id": "gen-1"})
FIRST, RETRY, SECOND_RETRY = (identity(retry=count) for count in "012")
KEYED = identity(keyed="order 7")

Processes = Callable[..., Runs]


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """Have the process that `answer_once` asks remember nothing of other tests."""
    process_runs.cache_clear()


@pytest.fixture
def process(redis_url: str) -> Iterator[Processes]:
    """Make processes over one Redis; `""` as the URL is one without."""
    made: list[Runs] = []

    def make(url: str = redis_url) -> Runs:
        made.append(Runs(url))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=["", "redis"])
def two(request: pytest.FixtureRequest, process: Processes) -> tuple[Runs, Runs]:
    """Return two processes that share Redis; without Redis they are one and the same."""
    if request.param:
        return process(), process()
    one = process("")
    return one, one


def _begun(runs: Runs, one: Identity) -> Run:
    run = Run(one)
    if one.retry == 0:
        runs.begin(run)
    else:
        assert runs.join_or_begin(run) is None
    return run


def _joined(runs: Runs, one: Identity) -> JoinedRun:
    joined = runs.join_or_begin(Run(one))
    assert joined is not None
    return joined


def _end(runs: Runs, run: Run, answer: HttpResponse = ANSWER) -> None:
    runs.end(run, Ended(seal(answer, run.identity), is_failure=answer.status_code >= 400))


def _answer_of(joined: JoinedRun, one: Identity) -> HttpResponse:
    wait_until(lambda: joined.outcome() is not None, "the run ends")
    ended = joined.outcome()
    assert ended is not None
    return unseal(ended.sealed, one)


@pytest.mark.parametrize(("one", "again"), [(FIRST, RETRY), (RETRY, SECOND_RETRY), (KEYED, KEYED)])
def test_a_retry_joins_a_running_request_and_one_that_ended(two, one, again):
    here, there = two
    run = _begun(here, one)
    while_it_ran = _joined(there, again)
    assert while_it_ran.outcome() is None

    _end(here, run)

    for joined in (while_it_ran, _joined(there, again), _joined(here, again)):
        answer = _answer_of(joined, again)
        assert (answer.status_code, answer.content) == (200, ANSWER.content)
        assert dict(answer.headers) == dict(ANSWER.headers)


@pytest.mark.parametrize(("one", "again"), [(FIRST, RETRY), (KEYED, KEYED)])
def test_a_failure_is_for_those_who_joined_and_is_forgotten(two, one, again):
    here, there = two
    run = _begun(here, one)
    joined = _joined(there, again)

    _end(here, run, JSONResponse({"error": {}}, status=502))

    assert _answer_of(joined, again).status_code == 502
    assert there.join_or_begin(Run(again)) is None


def test_whoever_comes_after_a_failure_runs_anew_at_once(two):
    here, there = two
    for runs in (here, there, here):
        run = Run(KEYED)
        assert runs.join_or_begin(run) is None
        _end(runs, run, JSONResponse({"error": {}}, status=502))


def test_a_run_that_was_given_up_is_lost(two):
    here, there = two
    run = _begun(here, KEYED)
    joined = _joined(there, KEYED)

    here.end(run, None)

    def is_lost() -> bool:
        try:
            return joined.outcome() is not None
        except RunLost:
            return True

    wait_until(is_lost, "the run is lost")
    assert there.join_or_begin(Run(KEYED)) is None


def test_each_of_equal_requests_has_its_own_retry(two, redis_client):
    here, there = two
    for content in ("a", "b"):
        _end(here, _begun(here, FIRST), JSONResponse(content))
    _tell_redis(two, redis_client, FIRST, [b"A", b"A"])

    answers = {_answer_of(_joined(there, RETRY), RETRY).content for _ in range(2)}
    again = {_answer_of(_joined(here, SECOND_RETRY), SECOND_RETRY).content for _ in range(2)}

    assert answers == again == {b'"a"', b'"b"'}


def test_a_retry_joins_the_newest_of_requests_that_were_answered_before(two, redis_client):
    here, there = two
    _end(here, _begun(here, FIRST), JSONResponse("old"))
    _tell_redis(two, redis_client, FIRST, [b"A"])
    assert _answer_of(_joined(there, RETRY), RETRY).content == b'"old"'

    run = _begun(here, FIRST)
    _tell_redis(two, redis_client, FIRST, [b"R", b"A"])
    _end(here, run, JSONResponse("new"))

    assert _answer_of(_joined(there, RETRY), RETRY).content == b'"new"'


@pytest.mark.parametrize("is_ended", [False, True])
def test_another_body_under_the_same_key_is_refused(two, is_ended):
    here, there = two
    run = _begun(here, KEYED)
    if is_ended:
        _end(here, run)

    with pytest.raises(IdempotencyMismatch):
        there.join_or_begin(Run(identity(BODY | {"seed": 1}, keyed="order 7")))


def test_of_many_at_once_one_begins(two):
    outcomes: list[JoinedRun | None] = []
    threads = [
        threading.Thread(target=lambda one=one: outcomes.append(one.join_or_begin(Run(KEYED))))
        for one in two * 10
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 20
    assert outcomes.count(None) == 1


def test_what_a_dead_process_ran_is_lost_when_its_lease_ends(redis_url, process, monkeypatch):
    monkeypatch.setattr("gateway.api.retries.shared_runs.RENEW_S", 60)
    dead = SharedRuns(redis_url, lease_s=0.3)
    assert dead.join_or_begin(Run(KEYED)) is None
    alive = process()
    joined = _joined(alive, KEYED)

    with pytest.raises(RunLost):
        wait_until(lambda: joined.outcome() is not None, "the run is lost")

    assert alive.join_or_begin(Run(KEYED)) is None
    dead.close()


@pytest.mark.django_db
def test_who_takes_over_from_the_dead_gives_back_what_they_charged(redis_url, monkeypatch):
    monkeypatch.setattr("gateway.api.retries.shared_runs.RENEW_S", 60)
    account = open_account(100 * CREDIT)
    caller = payer(account)
    dead = SharedRuns(redis_url, lease_s=0.3)
    settled, unsettled = Run(KEYED), Run(RETRY)
    for run in (settled, unsettled):
        assert dead.join_or_begin(run) is None

    def answer(generation_id: uuid.UUID) -> HttpResponse:
        hold = hold_one(ask(caller, 10 * CREDIT, generation_id=generation_id))
        settle_one(end(hold, 7 * CREDIT))
        return ANSWER

    answer(uuid.UUID(settled.id))  # and the process dies before it has kept the answer
    for repeated in (KEYED, RETRY, KEYED):
        given = answer_once(repeated, answer, failed=_failed, caller=caller, client=None)
        assert given.content == ANSWER.content

    entries = LedgerEntry.objects.filter(account=account).order_by("pk")
    assert list(entries.values_list("kind", "amount_nano", "generation_id"))[1:3] == [
        ("charge", -7 * CREDIT, uuid.UUID(settled.id)),
        ("refund", 7 * CREDIT, uuid.UUID(settled.id)),
    ]
    assert sum(entries.values_list("amount_nano", flat=True)) == 100 * CREDIT - 2 * 7 * CREDIT
    dead.close()


@pytest.mark.django_db
def test_what_the_dead_charged_is_given_back_once_though_its_retry_dies_too(redis_url, monkeypatch):
    monkeypatch.setattr("gateway.api.retries.shared_runs.RENEW_S", 60)
    account = open_account(100 * CREDIT)
    caller = payer(account)
    lost: list[str] = []
    for _ in range(2):
        dead = SharedRuns(redis_url, lease_s=0.05)
        run = Run(KEYED)
        wait_until(partial(_begins, dead, run), "it is taken over")
        assert list(run.replaces) == lost[::-1]
        lost.append(run.id)
        hold = hold_one(ask(caller, 10 * CREDIT, generation_id=uuid.UUID(run.id)))
        settle_one(end(hold, 7 * CREDIT))

    for _ in range(2):
        answer_once(KEYED, lambda _: ANSWER, failed=_failed, caller=caller, client=None)

    entries = LedgerEntry.objects.filter(account=account)
    assert sum(entries.values_list("amount_nano", flat=True)) == 100 * CREDIT


def test_a_process_that_ends_leaves_its_answers_and_no_lease(process):
    ending, other = process(), process()
    run = _begun(ending, FIRST)
    unfinished = _begun(ending, KEYED)
    _end(ending, run)

    ending.close()

    assert _answer_of(_joined(other, RETRY), RETRY).content == ANSWER.content
    assert other.join_or_begin(Run(unfinished.identity)) is None


def test_a_living_process_keeps_its_lease_while_it_runs_something(redis_url, monkeypatch):
    monkeypatch.setattr("gateway.api.retries.shared_runs.RENEW_S", 0.1)
    shared = SharedRuns(redis_url, lease_s=0.5)
    run = Run(KEYED)
    assert shared.join_or_begin(run) is None
    until_s = time.monotonic() + 1.5
    while time.monotonic() < until_s:
        assert shared.outcome(KEYED.name, run.id) is None
    shared.close()


def test_redis_has_nothing_that_can_be_read(process):
    with own_redis() as server, Redis.from_url(server.url) as client:
        here, there = process(server.url), process(server.url)
        _end(here, _begun(here, KEYED), JSONResponse("a secret answer"))
        _end(here, _begun(here, FIRST), JSONResponse("a secret answer"))
        for one in (KEYED, FIRST):
            _tell_redis((here, there), client, one, [b"A"])

        kept = b"\n".join(_everything(client))

        assert client.dbsize() >= 4
        assert all(
            secret not in kept
            for secret in (b"secret", "Привет".encode(), KEY.encode(), b"order 7", b"gigachat")
        )
        assert all(client.ttl(name) > 0 for name in client.scan_iter())


def test_without_redis_a_process_knows_its_own_runs_and_tells_of_them_when_it_is_back(process):
    with own_redis() as server:
        here, there = process(server.url), process(server.url)
        _joined_first = _begun(here, FIRST)
        server.stop()

        assert _answered_here(here, _joined_first) == ANSWER.content
        keyed = _begun(here, KEYED)
        _end(here, keyed)
        assert _answer_of(_joined(here, KEYED), KEYED).content == ANSWER.content

        server.start()
        wait_until(lambda: there.join_or_begin(Run(RETRY)) is not None, "it is known elsewhere")


@pytest.mark.parametrize(("one", "again"), [(FIRST, RETRY), (RETRY, SECOND_RETRY), (KEYED, KEYED)])
@pytest.mark.parametrize("has_ended", [False, True])
def test_a_process_knows_its_own_runs_when_redis_has_lost_its_data(
    process, redis_client, one, again, has_ended
):
    runs = process()
    run = _begun(runs, one)
    if has_ended:
        _end(runs, run)
    wait_until(lambda: not runs._shared._unwritten, "Redis has been told")
    redis_client.flushdb()

    joined = _joined(runs, again)

    if not has_ended:
        _end(runs, run)
    assert _answer_of(joined, again).content == ANSWER.content


def test_memory_is_bounded_and_lets_the_shorter_kept_go_first():
    answer = Ended(b"x" * 100, is_failure=False)
    runs = MemoryRuns(kept_bytes_max=250)
    keyed = Run(KEYED)
    assert runs.join_or_add(keyed) is None
    runs.end(keyed, answer)

    for seed in range(5):
        run = Run(identity(BODY | {"seed": seed}, retry="0"))
        runs.add(run)
        runs.end(run, answer)

    assert runs.join_or_add(Run(KEYED)) is keyed
    assert runs.join_or_add(Run(identity(BODY | {"seed": 4}, retry="1"))) is run
    assert runs.join_or_add(Run(identity(BODY | {"seed": 3}, retry="1"))) is None


def test_memory_forgets_when_the_time_is_over():
    now_s = 0.0
    runs = MemoryRuns(clock=lambda: now_s)
    for one in (KEYED, RETRY):
        run = Run(one)
        assert runs.join_or_add(run) is None
        runs.end(run, Ended(b"", is_failure=False))

    now_s = 599
    assert runs.join_or_add(Run(RETRY)) is not None
    now_s = 601
    assert runs.join_or_add(Run(RETRY)) is None
    assert runs.join_or_add(Run(KEYED)) is not None
    now_s = 86_401
    assert runs.join_or_add(Run(KEYED)) is None


@pytest.mark.usefixtures("redis_url")  # what other tests began with this key is not to be found
def test_who_takes_over_from_the_dead_waits_for_what_they_held(monkeypatch):
    monkeypatch.setattr(answering, "RELEASE_LOOK_S", 0.01)
    begun, may_die = threading.Event(), threading.Event()
    refusals = [402, 429]

    def die(_: uuid.UUID) -> HttpResponse:
        begun.set()
        may_die.wait()
        raise SystemExit

    def take_over(_: uuid.UUID) -> HttpResponse:
        return JSONResponse({}, status=refusals.pop()) if refusals else ANSWER

    def asked(work: Work) -> HttpResponse:
        return answer_once(KEYED, work, failed=_failed, caller=CALLER, client=None)

    def ask_and_die() -> None:
        with contextlib.suppress(SystemExit):
            asked(die)

    first = threading.Thread(target=ask_and_die)
    first.start()
    assert begun.wait(60)
    answers: list[HttpResponse] = []
    second = threading.Thread(target=lambda: answers.append(asked(take_over)))
    second.start()
    wait_until(lambda: bool(answering._waiting_by_account), "the second waits")
    may_die.set()
    first.join()
    second.join()

    assert [answer.status_code for answer in answers] == [200]
    assert not answering._waiting_by_account
    assert asked(take_over).content == ANSWER.content


def _begins(shared: SharedRuns, run: Run) -> bool:
    return shared.join_or_begin(run) is None


def _failed(error: Exception) -> HttpResponse:
    raise AssertionError("Nothing fails here.") from error


def _answered_here(runs: Runs, run: Run) -> bytes:
    joined = _joined(runs, RETRY)
    _end(runs, run)
    return _answer_of(joined, RETRY).content


def _tell_redis(two: tuple[Runs, Runs], client: Any, one: Identity, letters: list[bytes]) -> None:
    """Wait until Redis knows the runs of a name, the newest first, by their letters."""
    if two[0] is two[1]:
        return
    name = f"xr:retries:{one.name}"

    def known() -> list[bytes]:
        ids = [element.split(b":")[0].decode() for element in client.lrange(name, 0, -1)]
        return [client.getrange(f"{name}:{run_id}", 0, 0) for run_id in ids]

    wait_until(lambda: known() == letters, "Redis has been told")


def _everything(client: Any) -> Iterator[bytes]:
    for name in client.scan_iter():
        yield name
        yield from (
            client.lrange(name, 0, -1) if client.type(name) == b"list" else [client.get(name)]
        )
