"""How much an answer may cost before it is known: what is held, and the longest answer it pays for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.pipeline.estimate import prompt_bound_tokens, prompt_floor_tokens
from gateway.pipeline.router import Candidate

LEAST_ANSWER_TOKENS = 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a hold must have at least and at most, in nano-credits."""

    least_nano: int
    wanted_nano: int


def bounds(candidates: Sequence[Candidate], *, is_exact: bool) -> Bounds:
    """Return the bounds that let the first candidate begin, and any of them finish.

    With `is_exact` nothing less than the whole answer will do.
    """
    wanted_nano = max(
        _cost_bound_nano(candidate, longest_answer_tokens(candidate)) for candidate in candidates
    )
    least_nano = _cost_bound_nano(candidates[0], LEAST_ANSWER_TOKENS)
    return Bounds(wanted_nano if is_exact else min(least_nano, wanted_nano), wanted_nano)


def longest_answer_tokens(candidate: Candidate) -> int:
    """Return the answer's limit where money is none: what was asked for, or what the model can."""
    if candidate.request.max_tokens is not None:
        return candidate.request.max_tokens
    profile = candidate.route.profile
    room = profile.context_tokens - prompt_floor_tokens(candidate.request)
    return max(1, min(profile.max_output_tokens, room))


def within(candidates: Sequence[Candidate], held_nano: int | None) -> tuple[Candidate, ...]:
    """Return the candidates that the hold pays for, each with the `max_tokens` that it pays for.

    None as `held_nano` means that nothing is charged.
    """
    affordable = []
    for candidate in candidates:
        longest = longest_answer_tokens(candidate)
        if held_nano is not None and candidate.price.completion_nano:
            left_nano = held_nano - _prompt_bound_nano(candidate)
            longest = min(longest, left_nano // candidate.price.completion_nano)
        if longest < LEAST_ANSWER_TOKENS:
            continue
        request = replace(candidate.request, max_tokens=longest)
        affordable.append(replace(candidate, request=request))
    return tuple(affordable)


def _prompt_bound_nano(candidate: Candidate) -> int:
    tokens = min(prompt_bound_tokens(candidate.request), candidate.route.profile.context_tokens)
    return tokens * candidate.price.prompt_nano


def _cost_bound_nano(candidate: Candidate, answer_tokens: int) -> int:
    return _prompt_bound_nano(candidate) + answer_tokens * candidate.price.completion_nano
