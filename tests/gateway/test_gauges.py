"""What a process's gauges say of it."""

import pytest

from gateway.api.metrics.gauges import set_gauges
from gateway.health import breaker, monitor
from gateway.health.breaker import FAILURES_TO_OPEN
from infra import metrics
from tests.health.notes import GIGACHAT, PRO, note

pytestmark = pytest.mark.usefixtures("redis_client")  # breakers of other tests are kept there


def state() -> float:
    [family] = metrics.BREAKER_STATE.collect()
    labels = {"provider": GIGACHAT, "route": PRO}
    [value] = [sample.value for sample in family.samples if sample.labels == labels]
    return value


def test_a_breaker_that_is_forgotten_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(FAILURES_TO_OPEN):
        monitor.current().note(note("failed"))
    set_gauges()
    assert state() == 2
    monkeypatch.setattr(breaker, "IDLE_MS", -1)  # nobody asked it for so long
    set_gauges()
    assert state() == 0
