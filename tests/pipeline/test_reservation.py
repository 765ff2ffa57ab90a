"""What a hold covers, and the longest answer that it pays for."""

from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import PriceValue, cost_nano
from gateway.pipeline.admission.reservation import (
    bounds,
    cheapest_nano,
    dearest_nano,
    estimated_prompt_tokens,
    longest_answer_tokens,
    within,
)
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.token_estimate import prompt_bound_tokens
from tests.pipeline.routing_orders import model_of, order_of, routing_of


def _candidate(price: int = 1000, max_tokens: int | None = None) -> Candidate:
    completion_request = order_of(max_tokens=max_tokens)
    return routing_of(completion_request, model_of("a", "x", price=price)).candidates[0]


def test_without_a_limit_the_models_maximum_is_held() -> None:
    assert longest_answer_tokens(_candidate()) == 100


def test_the_callers_limit_is_held() -> None:
    assert longest_answer_tokens(_candidate(max_tokens=7)) == 7


def test_the_dearest_candidate_decides_what_is_wanted() -> None:
    cheap, dear = _candidate(1000), _candidate(5000)

    assert bounds([cheap, dear], is_exact=False).wanted_nano == (
        bounds([dear], is_exact=False).wanted_nano
    )
    assert bounds([cheap, dear], is_exact=False).least_nano < (
        bounds([dear], is_exact=False).least_nano
    )


def test_exact_means_the_whole_answer_or_nothing() -> None:
    needed = bounds([_candidate()], is_exact=True)

    assert needed.least_nano == needed.wanted_nano


def test_the_hold_covers_every_choice() -> None:
    one = _candidate(max_tokens=7)
    three = one._replace(request=one.request._replace(n=3))

    for is_exact in (False, True):
        alone, together = bounds([one], is_exact=is_exact), bounds([three], is_exact=is_exact)
        assert together == tuple(3 * nano for nano in alone)
    assert cheapest_nano(three) == 3 * cheapest_nano(one)
    assert dearest_nano(three) == 3 * dearest_nano(one)
    assert estimated_prompt_tokens(three) == 3 * estimated_prompt_tokens(one)


def test_a_small_hold_shortens_each_choice_alike() -> None:
    candidate = _candidate(max_tokens=10)
    candidate = candidate._replace(request=candidate.request._replace(n=4))
    held_nano = dearest_nano(candidate) - 4 * 3 * candidate.price.completion_nano

    (affordable,) = within([candidate], held_nano)

    assert affordable.request.max_tokens == 7


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_what_is_sent_never_costs_more_than_the_hold(held_nano: int, price: int) -> None:
    candidate = _candidate()
    candidate = candidate._replace(price=PriceValue(1, price, price, 0))

    for affordable in within([candidate], held_nano):
        assert affordable.request.max_tokens is not None
        worst = cost_nano(
            affordable.price,
            prompt_tokens=prompt_bound_tokens(affordable.request),
            completion_tokens=affordable.request.max_tokens,
        )
        assert worst <= held_nano


def test_a_candidate_that_the_hold_does_not_reach_is_left_out() -> None:
    assert within([_candidate()], 0) == ()
    assert len(within([_candidate()], None)) == 1


def test_an_answer_that_is_shortened_is_named_in_the_callers_words() -> None:
    candidate = _candidate()
    held_nano = bounds([candidate], is_exact=False).least_nano

    [ours] = within([candidate], held_nano)
    [theirs] = within([candidate], held_nano, {"max_tokens": "max_output_tokens"})

    assert [str(change) for change in ours.adapted] == ["max_tokens=affordable"]
    assert [str(change) for change in theirs.adapted] == ["max_output_tokens=affordable"]
