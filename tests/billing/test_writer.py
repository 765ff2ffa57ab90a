"""The writer as requests use it, on the chosen store: many threads, one connection, nothing lost."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from billing.errors import AlreadySettled, InsufficientCredits, MoneyStoreUnavailable
from billing.ledger import balances, writer
from billing.ledger.doubtful_holds import NOT_WAITED_FOR
from billing.ledger.process_heartbeat import heartbeat
from billing.models import Generation, Hold, ProcessLease
from billing.usage import generations
from billing.usage.generations import public_id
from tests.billing.payers import CREDIT, ask, end, open_account, payer

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]

HANG_S = 60


def hold(request):
    """Hold without the second's patience of a caller, for a machine that is slow today."""
    return writer._holds.submit(request, timeout_s=HANG_S)


def test_a_request_holds_and_settles_and_is_found_at_once():
    account = open_account(10 * CREDIT)

    held = hold(ask(payer(account), 4 * CREDIT))
    assert balances.posted_nano(account.pk) == 10 * CREDIT
    settled = writer.settle(end(held, 3 * CREDIT), timeout_s=HANG_S)

    assert (held.available_nano, settled.posted_nano) == (6 * CREDIT, 7 * CREDIT)
    record = generations.find(public_id(held.generation_id), account_id=account.pk)
    assert record is not None
    assert record.charged_nano == 3 * CREDIT


def test_refusals_reach_the_one_they_are_about():
    account = open_account(CREDIT)
    with pytest.raises(InsufficientCredits):
        hold(ask(payer(account), 2 * CREDIT))
    held = hold(ask(payer(account), CREDIT))
    writer.settle(end(held, CREDIT), timeout_s=HANG_S)
    with pytest.raises(AlreadySettled):
        writer.settle(end(held, CREDIT), timeout_s=HANG_S)


def test_a_hold_names_the_process_whose_lease_is_fresh():
    account = open_account()
    hold(ask(payer(account), 0))

    assert ProcessLease.objects.filter(process_id=Hold.objects.get().process_id).exists()
    assert Hold.objects.get().process_id == heartbeat.keep()


def test_many_threads_on_one_account_admit_what_it_covers_and_charge_it_to_the_last_nano():
    account = open_account(10 * CREDIT)
    together = threading.Barrier(64)

    def request(_):
        together.wait(HANG_S)
        try:
            held = hold(ask(payer(account), CREDIT // 2))
        except InsufficientCredits:
            return 0
        return writer.settle(end(held, CREDIT // 2 - 7), timeout_s=HANG_S).charged_nano

    with ThreadPoolExecutor(64) as threads:
        charged = list(threads.map(request, range(64)))

    assert charged.count(CREDIT // 2 - 7) >= 20
    assert balances.exact(account.pk) == balances.Balance(10 * CREDIT - sum(charged), 0)


def test_a_caller_that_did_not_wait_for_its_hold_leaves_nothing_held(monkeypatch):
    account = open_account(CREDIT)
    monkeypatch.setattr(writer, "HOLD_PATIENCE_S", 0.0)
    gate, run = threading.Event(), writer._hold_connection.run

    def behind_the_gate(*arguments, **options):
        assert gate.wait(HANG_S)
        return run(*arguments, **options)

    monkeypatch.setattr(writer._hold_connection, "run", behind_the_gate)

    for _ in range(20):
        gate.clear()
        with pytest.raises(MoneyStoreUnavailable):
            writer.hold(ask(payer(account), CREDIT // 100))
        gate.set()
    writer.flush()

    assert balances.exact(account.pk) == balances.Balance(CREDIT, 0)
    assert not Hold.objects.exists()
    assert set(Generation.objects.values_list("error_code", flat=True)) <= {NOT_WAITED_FOR}


def test_the_callers_thread_never_touches_its_connection():
    account = open_account(CREDIT)
    seen = {}

    def request():
        held = hold(ask(payer(account), CREDIT))
        writer.settle(end(held, CREDIT), timeout_s=HANG_S)
        seen["connection"] = connection.connection

    thread = threading.Thread(target=request)
    thread.start()
    thread.join(HANG_S)
    assert seen == {"connection": None}


def test_a_hold_that_never_was_is_settled_already():
    account = open_account(CREDIT)
    held = hold(ask(payer(account), 0))
    unknown = type(held)(uuid.uuid4(), account.pk, CREDIT, 0, 0)
    with pytest.raises(AlreadySettled):
        writer.settle(end(unknown, CREDIT), timeout_s=HANG_S)
    writer.settle(end(held), timeout_s=HANG_S)
