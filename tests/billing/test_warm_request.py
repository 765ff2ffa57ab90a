"""What a request costs its stores once the process is warm: statements, round trips, threads, connections."""

import contextlib
import threading
import uuid
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
import redis.connection
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import sql
from pytest_django import Settings

from accounts.principal import UNLIMITED
from billing.ledger import balances, writer
from billing.limits import counters, request_limits
from billing.limits.tiers import tier_of
from infra import prepared
from tests.billing.payers import CREDIT, ask, end, open_account, payer

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WARM, MEASURED = 3, 20


@contextlib.contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what passes the drivers: statements to PostgreSQL, round trips to Redis, new threads."""
    counts: Counter[str] = Counter()
    execute, execute_prepared = psycopg.Cursor.execute, prepared.executed
    send = redis.connection.AbstractConnection.send_packed_command
    start = threading.Thread.start

    def count(what: str, original):
        def counting(*args, **kwargs):
            counts[what] += 1
            return original(*args, **kwargs)

        return counting

    with monkeypatch.context() as patches:
        patches.setattr(psycopg.Cursor, "execute", count("statements", execute))
        patches.setattr(prepared, "executed", count("statements", execute_prepared))
        patches.setattr(
            redis.connection.AbstractConnection, "send_packed_command", count("round trips", send)
        )
        patches.setattr(threading.Thread, "start", count("threads", start))
        yield counts


def run_one(principal, tier) -> None:
    """Do for one request all that billing does, from its tier to its settlement."""
    balances.recent(principal.account_id)
    admission = request_limits.admit(
        principal.account_id, principal.credential_id, tier, UNLIMITED, uuid.uuid4().hex
    )
    held = writer._holds.submit(ask(principal, 1000 * tier.concurrency), timeout_s=60)
    admission.release()
    writer.settle(end(held, 700), timeout_s=60)


def test_a_paid_request_is_two_statements_and_a_call_to_redis_that_it_waits_for(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL = redis_url
    account = open_account(10_000 * CREDIT)
    principal, tier = payer(account), tier_of(10_000 * CREDIT)
    for _ in range(WARM):
        run_one(principal, tier)
    with counted(monkeypatch) as counts:
        for _ in range(MEASURED):
            run_one(principal, tier)
        writer.flush()

    assert 2 * MEASURED <= counts["statements"] <= 2 * MEASURED + 3  # and the process's heartbeat
    assert counts["round trips"] <= 2 * MEASURED + 1  # one to admit, one of those who left
    assert counts["threads"] == 0


def test_a_free_request_is_counted_by_one_statement_more(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL = redis_url
    account = open_account()
    tier = tier_of(0)
    admit = request_limits.admit
    admit(account.pk, 1, tier, UNLIMITED, uuid.uuid4().hex).release()
    with counted(monkeypatch) as counts:
        for _ in range(10):
            admit(account.pk, 1, tier, UNLIMITED, uuid.uuid4().hex).release()

    assert counts["statements"] == 10
    assert counts["threads"] == 0


def test_balances_that_are_asked_for_again_and_again_are_read_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = [open_account(CREDIT) for _ in range(3)]
    balances.forget_all()
    balances.recent(accounts[0].pk)
    with counted(monkeypatch) as counts:
        for account in accounts * 5:
            assert balances.recent(account.pk).posted_nano == CREDIT

    assert 2 <= counts["statements"] <= 3


def test_money_moves_and_requests_are_counted_while_peers_hold_every_pooled_connection() -> None:
    account = open_account(CREDIT)
    writer.flush()
    counters.flush(60)
    connection.close()
    pool = connections[DEFAULT_DB_ALIAS].pool  # type: ignore[attr-defined]
    taken = [pool.getconn() for _ in range(pool.max_size)]
    try:
        balances.forget_all()
        assert balances.recent(account.pk).posted_nano == CREDIT
        held = writer._holds.submit(ask(payer(account), 1000), timeout_s=60)
        writer.settle(end(held, 700), timeout_s=60)
        request_limits.admit(account.pk, 1, tier_of(0), UNLIMITED, uuid.uuid4().hex)
    finally:
        for each in taken:
            pool.putconn(each)
    assert balances.exact(account.pk).posted_nano == CREDIT - 700


@pytest.mark.parametrize("is_prepared", [True, False])
def test_statements_are_prepared_unless_a_pooler_cannot_have_it(
    settings: Settings, is_prepared: bool
) -> None:
    settings.DATABASE_PREPARED_STATEMENTS = is_prepared
    account = open_account(CREDIT)
    writer.flush()
    seen: list[int] = []

    def look(original):
        def commit(requests):
            outcomes = original(requests)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_prepared_statements")
                seen.append(cursor.fetchone()[0])
            return outcomes

        return commit

    writer._holds._commit = look(original := writer._holds._commit)
    try:
        held = writer._holds.submit(ask(payer(account), 1000), timeout_s=60)
    finally:
        writer._holds._commit = original
    writer.settle(end(held, 700), timeout_s=60)

    assert seen == [1 if is_prepared else 0]


def test_no_table_is_read_whole_however_small_it_was_when_the_statement_was_planned(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, redis_url: str
) -> None:
    settings.REDIS_URL = redis_url
    plans: list[str] = []
    execute_prepared = prepared.executed

    def explaining(asked, text, parameters):
        rows = execute_prepared(asked, text, parameters)
        name = prepared._names[asked][text].decode()
        values = sql.SQL(", ").join(map(sql.Literal, parameters))
        explain = sql.SQL("EXPLAIN EXECUTE {}({})").format(sql.Identifier(name), values)
        plans.append("\n".join(line for (line,) in asked.execute(explain).fetchall()))
        return rows

    monkeypatch.setattr(prepared, "executed", explaining)
    run_one(payer(open_account(10_000 * CREDIT)), tier_of(10_000 * CREDIT))
    writer.flush()

    assert any("Delete on billing_hold" in plan for plan in plans)
    assert [plan for plan in plans if "Seq Scan" in plan] == []
