"""Every test here that touches the database has a living process, and an audit of the books after it."""

from collections.abc import Iterator

import pytest
from django.db.models.functions import Now

from billing.ledger import balances, writer
from billing.ledger.audit import find_drift
from billing.models import ProcessLease
from tests.billing.payers import PROCESS


@pytest.fixture(autouse=True)
def _books_add_up(_django_db_helper: None, request: pytest.FixtureRequest) -> Iterator[None]:
    touches_books = request.node.get_closest_marker("django_db") is not None
    if touches_books:
        balances.forget_all()
        ProcessLease.objects.create(process_id=PROCESS, renewed_at=Now())
    yield
    if touches_books:
        writer.flush()
        assert list(find_drift()) == []
