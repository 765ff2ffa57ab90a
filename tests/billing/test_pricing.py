"""Tokens times price: exact, in whole nano-credits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import PriceValue, cost_nano

PRICE = PriceValue(1, prompt_nano=500_000, completion_nano=700_000, cached_nano=125_000)

tokens = st.integers(0, 10**7)


def test_each_kind_of_token_has_its_price():
    assert cost_nano(PRICE, prompt_tokens=30, cached_tokens=10, completion_tokens=7) == (
        20 * 500_000 + 10 * 125_000 + 7 * 700_000
    )


@given(tokens, tokens, tokens)
def test_a_cost_is_the_exact_sum_however_long_the_talk(fresh, cached, completion):
    cost = cost_nano(
        PRICE, prompt_tokens=fresh + cached, cached_tokens=cached, completion_tokens=completion
    )
    assert cost == fresh * 500_000 + cached * 125_000 + completion * 700_000


@pytest.mark.parametrize(
    ("prompt", "cached", "completion"), [(-1, 0, 0), (1, 2, 0), (1, -1, 0), (1, 0, -1)]
)
def test_counts_that_cannot_be_have_no_cost(prompt, cached, completion):
    with pytest.raises(ValueError, match="cannot be counted"):
        cost_nano(PRICE, prompt_tokens=prompt, cached_tokens=cached, completion_tokens=completion)
