"""What would become of a request if it were sent now: who would be asked, for how much, or why nobody.

The steps are those of completion.py. No provider is asked; nothing is counted, held or recorded.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accounts.principal import Principal
from billing.errors import InsufficientCredits, KeyLimitReached
from billing.ledger.affordable import affordable_nano
from billing.limits.request_limits import LimitExceeded
from gateway.pipeline.admission import moderation
from gateway.pipeline.admission.access import resolve_requested, unknown_names
from gateway.pipeline.admission.caller_context import CallerContext
from gateway.pipeline.admission.reservation import (
    bounds,
    cheapest_nano,
    dearest_nano,
    estimated_prompt_tokens,
    longest_answer_tokens,
    within,
)
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.errors import PaidModelOnFreeTier, RequestRefused
from gateway.pipeline.execution.record import UNAFFORDABLE, adapted_request
from gateway.pipeline.request import CompletionRequest
from gateway.pipeline.routing.router import LeftOut, survey

Refusal = RequestRefused | LimitExceeded | InsufficientCredits | KeyLimitReached
REFUSALS = (RequestRefused, LimitExceeded, InsufficientCredits, KeyLimitReached)


@dataclass(frozen=True, slots=True)
class PlannedCandidate:
    """Who would be asked and why; `adapted` is all that would not be as the caller asks.

    `most_nano` is what would be held for it, `least_nano` what the shortest answer costs with the whole prompt
    cached; both are 0 where nothing is charged. `prompt_tokens` are an estimate.
    """

    provider: str
    model: str
    reasons: tuple[str, ...]
    adapted: tuple[str, ...]
    prompt_tokens: int
    max_tokens: int
    least_nano: int
    most_nano: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The candidates in the order of asking, the routes that are none, and the error, if it would be one."""

    candidates: tuple[PlannedCandidate, ...] = ()
    skipped: tuple[LeftOut, ...] = ()
    refusal: Refusal | None = None


class _FirstRefusal:
    """Keeps the first refusal, which the request would get, and lets the plan go on."""

    def __init__(self) -> None:
        self.refusal: Refusal | None = None

    def note(self, refusal: Refusal) -> None:
        self.refusal = self.refusal or refusal

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except REFUSALS as refusal:
            self.note(refusal)


def plan(completion_request: CompletionRequest, principal: Principal) -> Plan:
    """Return what would become of a request. A refusal is part of the plan.

    Raises MoneyStoreUnavailable, LimitStoreUnavailable.
    """
    caller = CallerContext.of(principal)
    first = _FirstRefusal()
    try:
        requested = resolve_requested(completion_request.models, principal, kind="chat")
    except RequestRefused as refusal:
        return Plan(refusal=refusal)
    completion_request = completion_request._replace(
        ignored=(*completion_request.ignored, *unknown_names(completion_request, requested))
    )
    with first.noting():
        requested = list(caller.within_tier(requested))
    is_priced = caller.is_charged or isinstance(first.refusal, PaidModelOnFreeTier)
    routing = survey(completion_request, requested, caller.health)
    if routing.refusal is not None:
        first.note(routing.refusal)
    with first.noting():
        caller.judge()
    with first.noting():
        moderation.judge(completion_request.request, caller)
    held_nano: int | None = None
    if caller.is_charged and routing.candidates:
        needed = bounds(routing.candidates, is_exact=completion_request.is_strict)
        with first.noting():
            held_nano = affordable_nano(
                principal, wanted_nano=needed.wanted_nano, least_nano=needed.least_nano
            )
    candidates: list[PlannedCandidate] = []
    unaffordable: list[LeftOut] = []
    for candidate in routing.candidates:
        affordable = within((candidate,), held_nano, completion_request.names)
        if not affordable:
            unaffordable.append(LeftOut(candidate.route.provider, candidate.model.id, UNAFFORDABLE))
            continue
        most_nano = dearest_nano(candidate) if is_priced else 0
        if held_nano is not None:
            most_nano = min(most_nano, held_nano)
        candidates.append(_planned(affordable[0], completion_request.ignored, most_nano))
    return Plan(tuple(candidates), (*unaffordable, *routing.left_out), first.refusal)


def _planned(candidate: Candidate, ignored: Sequence[str], most_nano: int) -> PlannedCandidate:
    return PlannedCandidate(
        provider=candidate.route.provider,
        model=candidate.model.id,
        reasons=candidate.reasons,
        adapted=tuple(adapted_request(candidate, ignored)),
        prompt_tokens=estimated_prompt_tokens(candidate),
        max_tokens=longest_answer_tokens(candidate),
        least_nano=min(cheapest_nano(candidate), most_nano),
        most_nano=most_nano,
    )
