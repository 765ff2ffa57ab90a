"""Metrics that a scrape asks of the stores which all processes share."""

import math
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from accounts.security import events as security_events
from billing import job_locks
from billing.ledger.audit import last_drift_nano
from billing.payments import top_ups
from billing.usage.revenue import open_positions
from gateway.api.readiness import redis_state
from gateway.upstreams.addresses import certificates_left_s
from infra import outages, shared_counts
from infra.credits import NANO_PER_CREDIT
from infra.version import VERSION


class StoreMetrics(Collector):
    """While the database is away, what only it knows is left out."""

    def collect(self) -> Iterator[Metric]:
        yield _labelled("xrouter_build_info", "The version that runs.", "version", {VERSION: 1})
        yield GaugeMetricFamily(
            "xrouter_redis_up",
            "Whether Redis answers; 1 where none is configured.",
            int(redis_state() != "away"),
        )
        yield CounterMetricFamily(
            "xrouter_mail_failures",
            "Mails that could not be sent.",
            shared_counts.of(shared_counts.MAIL_FAILURES),
        )
        yield _labelled(
            "xrouter_certificate_expiry_seconds",
            "For how long the certificate of a provider's host is still valid.",
            "host",
            certificates_left_s(),
        )
        try:
            yield from _of_database()
        except (DatabaseError, InterfaceError, PoolTimeout) as error:
            outages.database.note(error)  # its metrics are left out


def _of_database() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "xrouter_holds_open", "Holds that are not settled.", open_positions().open_holds
    )
    pending, oldest_s = top_ups.pending()
    yield GaugeMetricFamily("xrouter_payments_pending", "Payments that wait for the shop.", pending)
    yield GaugeMetricFamily(
        "xrouter_payments_oldest_pending_seconds",
        "For how long the oldest of them has waited; 0 where none does.",
        oldest_s,
    )
    signs = CounterMetricFamily(
        "xrouter_security_events", "Signs of suspicious activity.", labels=["signal"]
    )
    for signal, number in security_events.counts().items():
        signs.add_metric([signal], number)
    yield signs
    drift_nano = last_drift_nano()
    yield GaugeMetricFamily(
        "xrouter_ledger_drift_roubles",
        "By how much the books were off at the last audit; NaN before the first.",
        math.nan if drift_nano is None else drift_nano / NANO_PER_CREDIT,
    )
    yield _labelled(
        "xrouter_job_last_success_timestamp_seconds",
        "When a periodic job last ended well.",
        "job",
        {job.rpartition(".")[2]: at.timestamp() for job, at in job_locks.successes().items()},
    )


def _labelled(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family
