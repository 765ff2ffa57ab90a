"""What an operator sees of a running service: /metrics of all workers together, and a log line a request."""

import json
import os
import signal
import time
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.live.callers import wait_until
from tests.live.service import Service
from xrouter_site.request_log import FLUSH_S

CHAT = "/v1/chat/completions"
PROMISED = """
    xrouter_requests_total{route,status,model,provider} xrouter_request_seconds{route}
    xrouter_time_to_first_token_seconds{model} xrouter_upstream_latency_seconds{provider}
    xrouter_upstream_outcomes_total{provider,outcome} xrouter_tokens_total{model,kind}
    xrouter_roubles_total{model} xrouter_write_offs_roubles_total xrouter_holds_open xrouter_running
    xrouter_capacity xrouter_queue_wait_seconds{provider} xrouter_queue_depth{provider}
    xrouter_limits_refused_total{limit_source} xrouter_breaker_state{provider,route}
    xrouter_settlement_lag_seconds xrouter_ledger_drift_roubles xrouter_payments_pending
    xrouter_payments_oldest_pending_seconds
    xrouter_moderation_events_total{category} xrouter_security_events_total{signal}
    xrouter_db_pool_in_use xrouter_db_pool_size xrouter_redis_up
    xrouter_certificate_expiry_seconds{host} xrouter_mail_failures_total
    xrouter_job_last_success_timestamp_seconds{job} xrouter_build_info{version}
"""
pytestmark = pytest.mark.postgres


def _scrape(service: Service, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{service.url}/metrics", headers=headers, trust_env=False)


def _value(service: Service, name: str, **labels: str) -> float:
    """Return the sum of the samples that bear these labels."""
    families = text_string_to_metric_families(_scrape(service).text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _ask(service: Service, model: str, **fields: Any) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Привет"}]} | fields
    with service.http() as http:
        return http.post(CHAT, json=body)


def _answered(service: Service) -> float:
    return _value(service, "xrouter_requests_total", route=CHAT, status="200", model="gigachat-pro")


def _answered_so_far(service: Service) -> float:
    """Return the count when no worker has one still to write: the test before has asked too."""
    counts = [_answered(service)]

    def is_at_rest() -> bool:
        time.sleep(3 * FLUSH_S)
        counts.append(_answered(service))
        return counts[-1] == counts[-2]

    wait_until(is_at_rest, "the counts are at rest")
    return counts[-1]


def test_every_promised_metric_is_announced(pair: Service):
    announced = {line.split()[2] for line in _scrape(pair).text.splitlines() if "# TYPE" in line}
    promised = {word.partition("{")[0] for word in PROMISED.split()}
    assert promised - announced == set()


def test_the_workers_count_together_and_a_killed_one_takes_no_count_with_it(pair: Service):
    before = _answered_so_far(pair)
    for _ in range(8):
        assert _ask(pair, "gigachat-pro").status_code == 200
    wait_until(lambda: _answered(pair) == before + 8, "all are counted")

    killed = pair.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: len(pair.workers()) == 2 and killed not in pair.workers(),
        "another worker has come",
    )
    assert _ask(pair, "gigachat-pro").status_code == 200
    wait_until(lambda: _answered(pair) == before + 9, "nothing was lost or counted twice")
    capacity = 2 * 1000
    wait_until(lambda: _value(pair, "xrouter_capacity") == capacity, "the dead one has no places")
    wait_until(lambda: _value(pair, "xrouter_db_pool_size") == 2 * 16, "and no connections")


def test_tokens_and_roubles_are_those_of_the_answer(pair: Service):
    labels = {"model": "gigachat-2-max"}
    names = ("xrouter_roubles_total", "xrouter_tokens_total")
    before = [_value(pair, name, **labels) for name in names]
    usage = _ask(pair, "gigachat-2-max").json()["usage"]
    tokens = usage["prompt_tokens"] + usage["completion_tokens"]

    wait_until(lambda: _value(pair, names[1], **labels) >= before[1] + tokens, "it is counted")
    assert _value(pair, names[0], **labels) - before[0] == pytest.approx(usage["cost"])


def test_no_label_bears_a_word_of_the_callers(pair: Service):
    _ask(pair, "canary-model")
    httpx2.get(f"{pair.url}/canary-path", trust_env=False)
    httpx2.request("CANARY", f"{pair.url}{CHAT}", trust_env=False)
    wait_until(
        lambda: _value(pair, "xrouter_requests_total", status="404", model="other") >= 1,
        "the unknown model is counted",
    )
    assert "canary" not in _scrape(pair).text.lower()


def test_health_answers_whatever_the_host(pair: Service):
    for path in ("/health", "/health/live", "/health/ready"):
        host = {"Host": "probe.invalid"}
        assert httpx2.get(pair.url + path, headers=host, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"]
)
def test_who_is_forwarded_for_finds_nothing_without_a_token(pair: Service, header: str):
    assert _scrape(pair, **{header: "127.0.0.1"}).status_code == 404


def test_every_request_is_one_line_of_json_with_what_is_known_of_it(pair: Service):
    answer = _ask(pair, "gigachat-pro")
    refused = _ask(pair, "gigachat-pro", temperature="hot")

    def line(response: httpx2.Response) -> dict[str, Any]:
        identity = response.headers["x-request-id"]
        lines = pair.log.read_text().splitlines()
        found = [json.loads(text) for text in lines if identity in text]
        requests = [entry for entry in found if entry["logger"] == "xrouter.request"]
        return requests[0] if len(requests) == 1 else {}

    wait_until(lambda: bool(line(answer) and line(refused)), "both are logged")
    assert line(answer) | {"duration_ms": 1, "time": ""} == line(answer) | {
        "level": "INFO",
        "method": "POST",
        "path": CHAT,
        "status": 200,
        "generation": answer.json()["id"],
        "account": pair.account_of(pair.key()),
        "attempts": 1,
        "queued_ms": 0,
        "duration_ms": 1,
        "time": "",
    }
    assert (line(refused)["status"], line(refused)["code"]) == (400, "invalid_parameter")


def test_every_line_of_the_log_is_json(pair: Service):
    for text in pair.log.read_text().splitlines():
        assert {"time", "level", "message"} <= json.loads(text).keys()
