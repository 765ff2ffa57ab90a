"""Prices and amounts: exact, in whole nano-credits, and readable."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.constants import MAX_AMOUNT_NANO
from billing.pricing import PriceValue, cost_nano, credits_of, credits_text, nano_of

PRICE = PriceValue(1, prompt_nano=500_000, completion_nano=700_000, cached_nano=125_000)

amounts = st.integers(-MAX_AMOUNT_NANO, MAX_AMOUNT_NANO)
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


@pytest.mark.parametrize(
    ("amount_nano", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (1_500_000_000, "1.5"),
        (-12_000_000_000, "-12"),
        (10**18, "1000000000"),
        (10**18 + 1, "1000000000.000000001"),
    ],
)
def test_an_amount_reads_as_a_plain_number_of_credits(amount_nano, text):
    assert credits_text(amount_nano) == text


@given(amounts)
def test_an_amount_survives_its_text_and_its_decimal(amount_nano):
    assert nano_of(Decimal(credits_text(amount_nano))) == amount_nano
    assert nano_of(credits_of(amount_nano)) == amount_nano
    assert credits_of(amount_nano) == Decimal(credits_text(amount_nano))


@pytest.mark.parametrize("text", ["0.0000000001", "NaN", "Infinity", "-Infinity", "1e10", "1e-10"])
def test_what_is_no_amount_of_nano_credits_is_refused(text):
    with pytest.raises(ValueError, match=r"is no amount|decimal places"):
        nano_of(Decimal(text))
