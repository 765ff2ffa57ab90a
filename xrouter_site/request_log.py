"""One log line and the metrics of every request, written in batches behind the requests' backs."""

import logging
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings

from accounts.principal import Principal
from billing.usage import refusals
from billing.usage.generations import new_id
from billing.usage.refusals import RefusedRequest
from infra import metrics
from infra.background import Background
from infra.credits import NANO_PER_CREDIT
from infra.request_facts import RequestFacts
from xrouter_site.log_format import redact, redact_path, time_text
from xrouter_site.traces import tracer

FLUSH_S = 0.2
"""A worker that is killed loses the lines of this time."""

MODEL_ROUTES = frozenset(
    f"/v1/{path}"
    for path in ("chat/completions", "completions", "embeddings", "messages", "responses")
)
"""Whose refusals people see among their requests."""
MODEL_CHARS_MAX, PARAM_CHARS_MAX = 200, 200

logger = logging.getLogger("xrouter.request")


class RequestLogWriter:
    """Takes what became of requests; a thread writes it down."""

    def __init__(self) -> None:
        self._ended: deque[tuple[float, RequestFacts]] = deque()
        self._export: Callable[[float, RequestFacts], None] | None = None
        self._background = Background("request log", self.flush, every_s=FLUSH_S)

    def note(self, facts: RequestFacts) -> None:
        """Take a request that has ended."""
        facts.ended_s = time.monotonic()
        self._ended.append((time.time(), facts))
        self._background.ensure_running()

    def flush(self) -> None:
        """Write down all that has ended so far."""
        lines = []
        is_shown = logger.isEnabledFor(logging.INFO)
        if self._export is None and settings.OTEL_TRACES_URL and self._ended:
            self._export = tracer(settings.OTEL_TRACES_URL)
        alike: dict[tuple[str, int, str, str], list[RequestFacts]] = defaultdict(list)
        for _ in range(len(self._ended)):
            at_s, facts = self._ended.popleft()
            route = facts.route or metrics.OTHER
            alike[route, facts.status, facts.model, facts.provider].append(facts)
            _keep_if_refused(at_s, facts)
            if self._export is not None:
                self._export(at_s, facts)
            if is_shown:
                lines.append(orjson.dumps(_line(at_s, facts)))
        for (route, status, model, provider), ended in alike.items():
            metrics.REQUESTS.labels(route, str(status), model, provider).inc(len(ended))
            _count(route, model, provider, ended)
        if lines:
            sys.stderr.write(b"\n".join(lines).decode() + "\n")


def _line(at_s: float, facts: RequestFacts) -> dict[str, Any]:
    method, path = redact(facts.method), redact_path(facts.path)
    line: dict[str, Any] = {
        "time": time_text(at_s),
        "level": "INFO",
        "logger": logger.name,
        "message": f"{method} {path} {facts.status}",
        "request_id": facts.request_id,
        "method": method,
        "path": path,
        "status": facts.status,
        "duration_ms": round(1000 * (facts.ended_s - facts.began_s)),
        "bytes": facts.response_bytes,
        "account": facts.account,
        "code": facts.code,
        "generation": facts.generation,
        "model": facts.model or None,
        "provider": facts.provider or None,
        "attempts": facts.attempts,
        "queued_ms": facts.queued_ms,
    }
    return {name: value for name, value in line.items() if value is not None}


def _count(route: str, model: str, provider: str, ended: Sequence[RequestFacts]) -> None:
    """Count requests that differ in their numbers alone; a label is looked up once for all of them."""
    seconds = metrics.REQUEST_SECONDS.labels(route)
    for facts in ended:
        seconds.observe(facts.ended_s - facts.began_s)
        if facts.limit_source and facts.status == 429:
            metrics.LIMITS_REFUSED.labels(facts.limit_source).inc()
        if facts.queued_ms:
            metrics.QUEUE_WAIT.labels(provider).observe(facts.queued_ms / 1000)
    first_tokens_ms = [ms for facts in ended if (ms := facts.first_token_ms) is not None]
    if first_tokens_ms:
        first_token = metrics.TIME_TO_FIRST_TOKEN.labels(model)
        for ms in first_tokens_ms:
            first_token.observe(ms / 1000)
    if any(facts.tokens_prompt or facts.tokens_completion for facts in ended):
        tokens = metrics.TOKENS.labels
        tokens(model, "prompt").inc(sum(facts.tokens_prompt for facts in ended))
        tokens(model, "cached").inc(sum(facts.tokens_cached for facts in ended))
        tokens(model, "completion").inc(sum(facts.tokens_completion for facts in ended))
    if charged_nano := sum(facts.charge_nano for facts in ended):
        metrics.ROUBLES.labels(model).inc(charged_nano / NANO_PER_CREDIT)


def _keep_if_refused(at_s: float, facts: RequestFacts) -> None:
    """Have a request to a model that was refused appear in its account's list."""
    caller = facts.caller
    if not facts.code or facts.generation or not isinstance(caller, Principal):
        return
    if facts.route.removeprefix("/api") not in MODEL_ROUTES:
        return
    refusals.writer.note(
        RefusedRequest(
            id=new_id(),
            account_id=caller.account_id,
            credential=(caller.credential_kind, caller.credential_id),
            is_test=caller.is_test,
            created_at=datetime.fromtimestamp(at_s, UTC),
            path=facts.route,
            requested_model=facts.requested_model[:MODEL_CHARS_MAX],
            status=facts.status,
            code=facts.code,
            param=(facts.param or "")[:PARAM_CHARS_MAX],
            request_id=facts.request_id,
            duration_ms=round(1000 * (facts.ended_s - facts.began_s)),
        )
    )


request_log = RequestLogWriter()
