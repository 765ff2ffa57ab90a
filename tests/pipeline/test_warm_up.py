"""What a process makes ready before its first completion."""

import logging

import pytest

from billing.models import CreditAccount, Generation, Hold, LedgerEntry
from gateway.pipeline.warm_up import warm_up

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]


def test_it_writes_nothing_and_finds_all_stores_ready(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warm_up()
    assert caplog.messages == []
    assert not any(
        table.objects.exists() for table in (CreditAccount, Generation, Hold, LedgerEntry)
    )
