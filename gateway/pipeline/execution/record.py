"""What `/v1/generation` keeps of a request: the facts of its answer, and why it went where it went. Pure."""

from collections.abc import Sequence
from typing import Any, Protocol

from billing.pricing import cost_nano
from billing.usage.generations import AttemptRecord, GenerationFacts
from gateway.catalog.snapshot import CatalogRoute
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.execution.attempts import Attempt, Skipped, outcome_of
from gateway.pipeline.execution.stream import Report
from gateway.pipeline.request import CallerNotes
from gateway.pipeline.routing.router import Routing
from gateway.providers.chat_types import Usage
from infra.credits import MAX_AMOUNT_NANO

MOST_LEFT_OUT = 8
MOST_REASON_CHARACTERS = 200
NO_NOTES = CallerNotes()
UNAFFORDABLE = "the balance does not reach for it"
POSTPONED = "its provider had just failed: another provider was asked first"


class Answer(Protocol):
    """What is known of an answer, whether it has ended or not."""

    @property
    def candidate(self) -> Candidate: ...

    @property
    def is_rewritten(self) -> bool: ...

    @property
    def has_invalid_calls(self) -> bool: ...


def facts(
    report: Report,
    *,
    is_streamed: bool,
    ignored: Sequence[str],
    routing: dict[str, Any] | None = None,
    notes: CallerNotes = NO_NOTES,
    request_id: str | None = None,
) -> GenerationFacts:
    """Return the facts of a completion; `routing` is what `routing_record` returns.

    `request_id` is the id of the HTTP request.
    """
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
        adapted=adapted(report, ignored),
        routing=routing,
        queued_ms=report.queued_ms,
        end_user=notes.user,
        session_id=notes.session_id,
        metadata=notes.metadata,
        request_id=request_id,
    )


def routing_record(
    routing: Routing,
    affordable: Sequence[Candidate],
    skipped: Sequence[Skipped],
    postponed: Sequence[Candidate] = (),
) -> dict[str, Any]:
    """Return `{"strategy", "candidates": [{"provider", "model", "reasons"}], "left_out": [{…, "reason"}]}`.

    `affordable` are the candidates that the hold pays for, `skipped` those that were not asked after all,
    `postponed` those that another provider's candidate went before.
    """
    late, paid = set(map(_name, postponed)), set(map(_name, affordable))
    left_out = [
        *((skip.provider, skip.model, skip.reason) for skip in skipped),
        *(
            (*_name(candidate), UNAFFORDABLE)
            for candidate in routing.candidates
            if _name(candidate) not in paid
        ),
        *((route.provider, route.model, route.reason) for route in routing.left_out),
    ]
    return {
        "strategy": routing.strategy,
        "candidates": [
            {
                "provider": candidate.route.provider,
                "model": candidate.model.id,
                "reasons": [*candidate.reasons, *([POSTPONED] if _name(candidate) in late else ())],
            }
            for candidate in routing.candidates
        ],
        "left_out": [
            {"provider": provider, "model": model, "reason": reason[:MOST_REASON_CHARACTERS]}
            for provider, model, reason in left_out[:MOST_LEFT_OUT]
        ],
    }


def attempt_records(attempts: Sequence[Attempt]) -> list[AttemptRecord]:
    """Return the attempts as they are stored and shown."""
    return [
        AttemptRecord(
            provider=attempt.provider,
            model=attempt.model,
            outcome=attempt.outcome,
            ms=attempt.elapsed_ms,
        )
        for attempt in attempts
    ]


def upstream_cost_nano(route: CatalogRoute, usage: Usage) -> int | None:
    """Return what the provider charges us for an answer; None where its price is not known."""
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
    """Say whether the provider's count is known: not of a failed or a filtered answer."""
    return report.rule != "void" or report.finish_reason not in {None, "content_filter"}


def adapted(answer: Answer, ignored: Sequence[str]) -> list[str]:
    """Name all that differs from the request: `temperature=clamped`, `foo=ignored`, `text=rewritten`."""
    named = adapted_request(answer.candidate, ignored)
    if answer.is_rewritten:
        named.append("text=rewritten")
    if answer.has_invalid_calls:
        named.append("tool_calls=invalid")
    return named


def adapted_request(candidate: Candidate, ignored: Sequence[str]) -> list[str]:
    """Name what is sent otherwise than it was asked for, which is known before there is an answer."""
    return [*map(str, candidate.adapted), *(f"{name}=ignored" for name in ignored)]


def _name(candidate: Candidate) -> tuple[str, str]:
    return candidate.route.provider, candidate.model.id
