"""PostgreSQL gone, frozen, read-only or locked: holds fail at once, settlements wait for its return."""

import contextlib
import time
import uuid

import pytest
from django.db import OperationalError, connection, transaction

from billing.errors import MoneyStoreUnavailable
from billing.ledger import balances, ledger, writer
from billing.ledger.doubtful_holds import DOUBT_S, NOT_WAITED_FOR, DoubtfulHolds
from billing.ledger.retrying_connection import RetryingConnection
from billing.models import CreditAccount, Generation, Hold
from tests.billing.money_processes import HANG_S, Worker, database_url, read_line, workers
from tests.billing.payers import CREDIT, ask, open_account, payer
from tests.billing.relay import relay_to

postgres = pytest.mark.postgres
own_transactions = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def a_worker_behind_a_relay(account):
    with (
        relay_to(database_url()) as relay,
        workers(1, "obey", 1, account.pk, address=relay.url) as [worker],
    ):
        tell(worker, "go")
        yield relay, worker


def tell(worker: Worker, order: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(order + "\n")
    worker.stdin.flush()


def order(worker: Worker, what: str) -> str:
    tell(worker, what)
    return read_line(worker)


def until_done(worker: Worker) -> None:
    """Ask for holds until there is one."""
    give_up_s = time.monotonic() + HANG_S
    while order(worker, "hold") != "done":
        assert time.monotonic() < give_up_s


def until_settled(number: int) -> None:
    give_up_s = time.monotonic() + HANG_S
    while Generation.objects.filter(cost_nano=CREDIT).count() < number:
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


@postgres
@own_transactions
def test_without_the_database_no_request_gets_a_hold_and_afterwards_all_do():
    account = open_account(10 * CREDIT)
    with a_worker_behind_a_relay(account) as (relay, worker):
        assert order(worker, "hold") == "done"
        relay.cut()
        assert [order(worker, "hold") for _ in range(2)] == ["MoneyStoreUnavailable"] * 2
        relay.mend()
        until_done(worker)


@postgres
@own_transactions
def test_what_ended_during_an_outage_is_settled_once_when_it_is_over():
    account = open_account(10 * CREDIT)
    with a_worker_behind_a_relay(account) as (relay, worker):
        assert [order(worker, "hold") for _ in range(3)] == ["done"] * 3
        relay.cut()
        assert [order(worker, "settle") for _ in range(3)] == ["StillSettling"] * 3
        assert not Generation.objects.exists()
        relay.mend()
        until_settled(3)

    assert not Hold.objects.exists()
    assert balances.exact(account.pk) == balances.Balance(7 * CREDIT, 0)


@postgres
@own_transactions
def test_a_silent_database_is_given_up_and_a_new_connection_found():
    account = open_account(10 * CREDIT)
    with a_worker_behind_a_relay(account) as (relay, worker):
        assert order(worker, "hold") == "done"
        relay.freeze()
        assert order(worker, "hold") == "MoneyStoreUnavailable"
        assert order(worker, "settle") == "StillSettling"
        relay.mend()
        until_done(worker)
        until_settled(1)

    assert Generation.objects.filter(cost_nano=CREDIT).count() == 1


@postgres
@own_transactions
def test_a_hold_that_is_placed_after_it_was_given_up_is_released():
    account = open_account(10 * CREDIT)
    with a_worker_behind_a_relay(account) as (relay, worker):
        assert order(worker, "hold") == "done"
        relay.swallow_answers()
        assert order(worker, "hold") == "MoneyStoreUnavailable"
        assert Hold.objects.count() == 2
        relay.mend()
        until_done(worker)
        give_up_s = time.monotonic() + HANG_S
        while balances.exact(account.pk).held_nano > 2 * CREDIT:
            assert time.monotonic() < give_up_s
            time.sleep(0.05)

    assert Generation.objects.get().error_code == NOT_WAITED_FOR


@own_transactions
def test_a_hold_is_doubtful_for_ten_minutes():
    account, time_s = open_account(10 * CREDIT), 0.0
    requests = [ask(payer(account), CREDIT) for _ in range(2)]
    early, late = (request.generation_id for request in requests)
    doubtful_holds = DoubtfulHolds(lambda: time_s)
    doubtful_holds.add([early, late])
    doubtful_holds.stop()  # its thread: here it is looked for by hand

    assert doubtful_holds.void_placed() == 0
    ledger.hold(requests[:1], process_id=uuid.uuid4())
    assert doubtful_holds.void_placed() == 1
    time_s = DOUBT_S
    ledger.hold(requests[1:], process_id=uuid.uuid4())
    assert doubtful_holds.void_placed() == 0


@postgres
@own_transactions
def test_a_read_only_database_gives_no_holds():
    account = open_account(10 * CREDIT)
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with contextlib.ExitStack() as stack, connection.cursor() as cursor:
        try:
            cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            relay, worker = stack.enter_context(a_worker_behind_a_relay(account))
            assert order(worker, "hold") == "MoneyStoreUnavailable"
        finally:
            cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        relay.cut()
        relay.mend()
        until_done(worker)


@postgres
@own_transactions
def test_an_account_locked_by_another_is_waited_for_no_longer_than_a_caller_waits():
    account = open_account(10 * CREDIT)
    with workers(1, "obey", 1, account.pk) as [worker]:
        tell(worker, "go")
        with transaction.atomic():
            CreditAccount.objects.select_for_update().get(account=account)
            assert order(worker, "hold") == "MoneyStoreUnavailable"
        until_done(worker)
        give_up_s = time.monotonic() + HANG_S
        while balances.exact(account.pk).held_nano > CREDIT:
            assert time.monotonic() < give_up_s


class Stumbling:
    """Work that fails so many times before it succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.repetitions: list[bool] = []

    def __call__(self, is_repeat: bool) -> str:
        self.repetitions.append(is_repeat)
        if len(self.repetitions) <= self.failures:
            raise OperationalError("deadlock detected")
        return "done"


@own_transactions
def test_a_deadlock_is_tried_again_and_the_work_knows():
    work = Stumbling(failures=2)

    assert RetryingConnection().run(work) == "done"
    assert work.repetitions == [False, True, True]


@own_transactions
def test_patience_ends():
    with pytest.raises(MoneyStoreUnavailable):
        RetryingConnection().run(Stumbling(failures=1000), patience_s=0.1)
    assert writer.HOLD_PATIENCE_S < 1
