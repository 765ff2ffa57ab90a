"""Bound what an answer may cost: the amount to hold, and the longest answer that a hold pays for. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from billing.pricing import cost_nano
from gateway.pipeline.candidate import Adaptation, Candidate
from gateway.pipeline.request import parts, prompts
from gateway.pipeline.token_estimate import (
    prompt_bound_tokens,
    prompt_floor_tokens,
    prompt_tokens,
)

LEAST_ANSWER_TOKENS = 1
_OUR_NAMES: Mapping[str, str] = MappingProxyType({})


class Bounds(NamedTuple):
    """The least a request can begin with, and the most it may cost."""

    least_nano: int
    wanted_nano: int


def bounds(candidates: Sequence[Candidate], *, is_exact: bool) -> Bounds:
    """Return what lets the first candidate begin, and what lets any of them finish.

    With `is_exact` the least is the whole answer too.
    """
    prompts_nano = [_prompt_bound_nano(candidate) for candidate in candidates]
    wanted_nano = max(
        prompt_nano + _answers_nano(candidate, longest_answer_tokens(candidate))
        for candidate, prompt_nano in zip(candidates, prompts_nano, strict=True)
    )
    least_nano = prompts_nano[0] + _answers_nano(candidates[0], LEAST_ANSWER_TOKENS)
    return Bounds(wanted_nano if is_exact else min(least_nano, wanted_nano), wanted_nano)


def longest_answer_tokens(candidate: Candidate) -> int:
    """Return the limit of one answer regardless of money: the caller's `max_tokens`, or what the model can."""
    if candidate.request.max_tokens is not None:
        return candidate.request.max_tokens
    profile = candidate.route.profile
    floor_tokens = max(map(prompt_floor_tokens, prompts(candidate.request)))
    room = profile.context_tokens - floor_tokens
    return max(1, min(profile.max_output_tokens, room))


def within(
    candidates: Sequence[Candidate], held_nano: int | None, names: Mapping[str, str] = _OUR_NAMES
) -> tuple[Candidate, ...]:
    """Return the candidates that the hold pays for, each with the `max_tokens` that it pays for.

    Where that is less than the longest answer it is named, as the caller does by `names`. With `held_nano`
    None nothing is charged.
    """
    affordable = []
    for candidate in candidates:
        answers = len(parts(candidate.request))
        longest = wanted = longest_answer_tokens(candidate)
        if held_nano is not None and candidate.price.completion_nano:
            left_nano = held_nano - _prompt_bound_nano(candidate)
            longest = min(longest, left_nano // (answers * candidate.price.completion_nano))
        if longest < LEAST_ANSWER_TOKENS:
            continue
        if longest != candidate.request.max_tokens:
            request = candidate.request._replace(max_tokens=longest)
            candidate = candidate._replace(request=request)
        if longest < wanted:
            change = Adaptation(names.get("max_tokens", "max_tokens"), "affordable")
            candidate = candidate._replace(adapted=(*candidate.adapted, change))
        affordable.append(candidate)
    return tuple(affordable)


def estimated_prompt_tokens(candidate: Candidate) -> int:
    """Return the likely tokens of the prompts, each as often as it is asked, within their bound."""
    likely_tokens = sum(map(prompt_tokens, prompts(candidate.request)))
    return min(likely_tokens * candidate.request.n, _prompt_bound_tokens(candidate))


def cheapest_nano(candidate: Candidate) -> int:
    """Return what the shortest answers cost when the provider has all of the prompts cached."""
    tokens = estimated_prompt_tokens(candidate)
    return cost_nano(
        candidate.price,
        prompt_tokens=tokens,
        cached_tokens=tokens,
        completion_tokens=len(parts(candidate.request)) * LEAST_ANSWER_TOKENS,
    )


def dearest_nano(candidate: Candidate) -> int:
    """Return the bound of the longest answers' cost: what is held where there is as much."""
    return _prompt_bound_nano(candidate) + _answers_nano(
        candidate, longest_answer_tokens(candidate)
    )


def _prompt_bound_tokens(candidate: Candidate) -> int:
    request, most_tokens = candidate.request, candidate.route.profile.context_tokens
    bounds_tokens = (min(prompt_bound_tokens(prompt), most_tokens) for prompt in prompts(request))
    return request.n * sum(bounds_tokens)


def _prompt_bound_nano(candidate: Candidate) -> int:
    return _prompt_bound_tokens(candidate) * candidate.price.prompt_nano


def _answers_nano(candidate: Candidate, answer_tokens: int) -> int:
    return len(parts(candidate.request)) * answer_tokens * candidate.price.completion_nano
