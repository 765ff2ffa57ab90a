"""What is kept of a completion: a report → the facts of its generation. Pure."""

from collections.abc import Sequence
from typing import Any

from billing.constants import MAX_AMOUNT_NANO
from billing.generations import AttemptRecord, GenerationFacts
from billing.pricing import cost_nano
from gateway.catalog import Route
from gateway.pipeline.attempts import Attempt, outcome_of
from gateway.pipeline.router import Candidate
from gateway.pipeline.stream import Report
from gateway.providers.chat_types import Usage


def facts(
    report: Report,
    *,
    is_streamed: bool,
    ignored: Sequence[str],
    routing: dict[str, Any] | None = None,
) -> GenerationFacts:
    """Return what `/v1/generation` will say of a completion; `routing` as routing_record.py writes it."""
    usage = report.usage
    return GenerationFacts(
        model_id=report.candidate.model.id,
        provider=report.candidate.route.provider,
        is_streamed=is_streamed,
        is_cancelled=report.is_cancelled,
        tokens_prompt=usage.prompt_tokens,
        tokens_completion=usage.completion_tokens,
        tokens_cached=usage.cached_tokens,
        tokens_source=usage.source,
        price_id=report.candidate.price.id,
        upstream_cost_nano=upstream_cost_nano(report.candidate.route, usage)
        if _is_answered(report)
        else None,
        latency_ms=report.latency_ms,
        time_to_first_token_ms=report.time_to_first_token_ms,
        finish_reason=report.finish_reason or "",
        native_finish_reason=report.native_finish_reason or "",
        error_code=outcome_of(report.failure) if report.failure else "",
        attempts=attempt_records(report.attempts),
        adapted=adapted(report.candidate, ignored, is_rewritten=report.is_rewritten),
        routing=routing,
    )


def attempt_records(attempts: Sequence[Attempt]) -> list[AttemptRecord]:
    """Return who was asked, as it is kept and shown."""
    return [
        AttemptRecord(
            provider=attempt.provider,
            model=attempt.model,
            outcome=attempt.outcome,
            ms=attempt.elapsed_ms,
        )
        for attempt in attempts
    ]


def upstream_cost_nano(route: Route, usage: Usage) -> int | None:
    """Return what the provider takes from us for an answer; None where its price is not known."""
    if route.upstream_price is None:
        return None
    cost = cost_nano(
        route.upstream_price,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
    )
    return cost if cost <= MAX_AMOUNT_NANO else None


def _is_answered(report: Report) -> bool:
    """Say whether it is known what the provider counts: not so before an answer, nor of a filtered one."""
    return report.rule != "void" or report.finish_reason not in {None, "content_filter"}


def adapted(
    candidate: Candidate, ignored: Sequence[str], *, is_rewritten: bool = False
) -> list[str]:
    """Name everything that is not as the caller asked: `temperature=clamped`, `text=rewritten`."""
    named = [str(change) for change in candidate.adapted] + [f"{name}=ignored" for name in ignored]
    return [*named, "text=rewritten"] if is_rewritten else named
