"""Amounts of money, read and printed exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.credits import (
    MAX_AMOUNT_NANO,
    NANO_PER_CREDIT,
    credits_of,
    credits_text,
    parse_credits,
    parse_roubles,
)

amounts = st.integers(-MAX_AMOUNT_NANO, MAX_AMOUNT_NANO)


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
    assert parse_credits(credits_text(amount_nano)) == amount_nano
    assert parse_roubles(credits_text(amount_nano)) == amount_nano
    assert credits_of(amount_nano) == Decimal(credits_text(amount_nano))


@pytest.mark.parametrize(
    "text",
    ["", " ", "0.0000000001", "NaN", "Infinity", "-Infinity", "1e10", "1e-10", "1E3", "+5", "--5",
     "0x10", "1_000", "1,5", " 5", "5 ", "5\n", "1.", ".5", "-.5", "1.2.3", "٥", "１", "9" * 13,
     "9" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("sign", ["", "-"])
def test_what_is_no_plain_number_of_credits_is_refused(text, sign):
    with pytest.raises(ValueError, match="is no amount of credits"):
        parse_credits(sign + text)


@pytest.mark.parametrize(
    ("typed", "amount_nano"),
    [
        ("500", 500 * NANO_PER_CREDIT),
        (" 99.5 ", 99_500_000_000),
        ("99,50", 99_500_000_000),
        ("-0,25", -250_000_000),
        ("1 500,50", 1_500_500_000_000),
        ("1\N{NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567", 1_234_567 * NANO_PER_CREDIT),
        ("-1 000", -1000 * NANO_PER_CREDIT),
        ("1 000,125", 1_000_125_000_000),
        ("1000,125", 1_000_125_000_000),
        ("0.000000001", 1),
        ("0,0001", 100_000),
    ],
)
def test_roubles_are_read_as_people_type_them(typed, amount_nano):
    assert parse_roubles(typed) == amount_nano


@pytest.mark.parametrize(
    "typed",
    ["", "1,000", "-1,000", "1,000,000", "1.000,50", "1,000.50", "1 00", "1 0000", "12 34", "1  000",
     "1000 000", "1 000 ,5", "much", "1e3", "NaN", "٥", "5 ₽", "- 5", "0.0000000001", "9" * 99],
)  # fmt: skip
def test_what_could_mean_two_amounts_or_none_is_refused(typed):
    with pytest.raises(ValueError, match=r"is no amount|could mean two|decimal places"):
        parse_roubles(typed)


@pytest.mark.parametrize("typed", ["1.001", "1.000", "0,0001"])
def test_where_kopecks_are_the_least_three_decimals_are_refused(typed):
    with pytest.raises(ValueError, match="more than 2 decimal places"):
        parse_roubles(typed, places=2)
