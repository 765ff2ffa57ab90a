"""An outage of a store is a line of the log when it begins and one when it ends."""

import logging

import pytest
from django.db import InterfaceError, OperationalError
from psycopg.errors import AdminShutdown, DeadlockDetected

from infra.outages import Outage, is_outage, log_failure


def test_of_many_failures_the_first_is_told_and_of_many_answers_one(caplog):
    now_s = 100.0
    store = Outage("The store", clock=lambda: now_s)
    store.over()
    for _ in range(3):
        store.note(OSError("refused\n\tfor good"))
        store.over()  # another connection still works, for a moment
    now_s = 112.0
    store.over()
    store.over()
    assert [record.getMessage() for record in caplog.records] == [
        "The store is away: refused for good",
        "The store is back after 12 seconds.",
    ]


@pytest.mark.parametrize(
    ("error", "cause", "expected"),
    [
        (OperationalError(), None, True),
        (InterfaceError(), None, True),
        (OperationalError(), AdminShutdown(), True),
        (OperationalError(), DeadlockDetected(), False),
        (ValueError(), None, False),
        (ValueError(), OperationalError(), True),
    ],
)
def test_a_refused_statement_is_no_outage(error, cause, expected, caplog):
    error.__cause__ = cause
    assert is_outage(error) is expected
    log_failure(logging.getLogger("tests"), "It failed", error)
    assert ("It failed" in caplog.text) is not expected
