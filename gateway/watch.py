"""Looks, every few seconds in each server process, for faults that the operator is to hear of."""

from django.db import DatabaseError, InterfaceError, connection

from billing import late_jobs
from gateway import upstreams
from gateway.health import monitor
from gateway.health.alerts import tell_outages
from infra import outages
from infra.background import Background

EVERY_S = 5.0


def look() -> None:
    """Look once."""
    health = monitor.current()
    tell_outages(health.status(upstreams.with_credentials()), health.last_cause)
    try:
        late_jobs.tell()
        outages.database.over()
    except (DatabaseError, InterfaceError) as error:
        outages.database.note(error)  # whether jobs are late is not known
    finally:
        connection.close()


_background = Background("watch", look, every_s=EVERY_S)
start = _background.ensure_running
