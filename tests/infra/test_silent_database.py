"""A server that says nothing is given up by its client: frozen, it acts on none of its own time-outs."""

import pytest
from django.db import OperationalError, connection, transaction

from infra.own_connection import allow_long_statements

pytestmark = pytest.mark.postgres


@pytest.fixture
def impatient(transactional_db, monkeypatch):
    """Yield Django's connection, whose server may be silent for a moment alone."""
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "usual_silence_s", 0.2)
    yield connection
    connection.close()


def sleep(wanted_s):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [wanted_s])


@pytest.mark.django_db(transaction=True)
def test_a_connection_whose_server_is_silent_is_lost_and_the_next_one_works(impatient):
    with pytest.raises(OperationalError, match="silent"):
        sleep(4)
    connection.close()
    sleep(0)


def test_a_transaction_that_is_allowed_long_statements_waits_for_them(impatient):
    with transaction.atomic():
        allow_long_statements(1)
        sleep(0.5)
    with pytest.raises(OperationalError, match="silent"):
        sleep(4)
