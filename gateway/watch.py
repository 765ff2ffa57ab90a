"""Looks, every few seconds in each server process, for faults that the operator is to hear of."""

import logging

from django.db import DatabaseError, InterfaceError, connection

from billing import late_jobs
from gateway import upstreams
from gateway.health import monitor
from gateway.health.alerts import tell_outages
from infra.background import Background

EVERY_S = 5.0

logger = logging.getLogger(__name__)


def look() -> None:
    """Look once."""
    health = monitor.current()
    tell_outages(health.status(upstreams.with_credentials()), health.last_cause)
    try:
        late_jobs.tell()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Whether jobs are late is not known: %s", error)
    finally:
        connection.close()


_background = Background("watch", look, every_s=EVERY_S)
start = _background.ensure_running
