"""What is kept of a completion: a report → the facts of its generation. Pure."""

from collections.abc import Sequence

from billing.generations import AttemptRecord, GenerationFacts
from gateway.pipeline.attempts import outcome_of
from gateway.pipeline.router import Candidate
from gateway.pipeline.stream import Report


def facts(report: Report, *, is_streamed: bool, ignored: Sequence[str]) -> GenerationFacts:
    """Return what `/v1/generation` will say of a completion."""
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
        latency_ms=report.latency_ms,
        time_to_first_token_ms=report.time_to_first_token_ms,
        finish_reason=report.finish_reason or "",
        native_finish_reason=report.native_finish_reason or "",
        error_code=outcome_of(report.failure) if report.failure else "",
        attempts=[
            AttemptRecord(
                provider=attempt.provider,
                model=attempt.model,
                outcome=attempt.outcome,
                ms=attempt.elapsed_ms,
            )
            for attempt in report.attempts
        ],
        adapted=adapted(report.candidate, ignored, is_rewritten=report.is_rewritten),
    )


def adapted(
    candidate: Candidate, ignored: Sequence[str], *, is_rewritten: bool = False
) -> list[str]:
    """Name everything that is not as the caller asked: `temperature=clamped`, `text=rewritten`."""
    named = [str(change) for change in candidate.adapted] + [f"{name}=ignored" for name in ignored]
    return [*named, "text=rewritten"] if is_rewritten else named
