"""The form field of an amount in roubles: it shows an amount as its reader writes it, and takes it back."""

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from billing.roubles_field import RoublesField
from infra.credits import MAX_AMOUNT_NANO


@given(st.integers(0, MAX_AMOUNT_NANO), st.integers(0, 9), st.sampled_from(["ru", "en"]))
def test_what_it_shows_it_takes_for_the_same_amount(amount_nano, zeros, language):
    amount_nano -= amount_nano % 10**zeros
    field = RoublesField()
    with translation.override(language):
        assert field.clean(field.prepare_value(amount_nano)) == amount_nano


@pytest.mark.parametrize(
    ("amount_nano", "shown"),
    [
        (1500 * 10**9, "1500"),
        (100_500_000_000, "100,50"),
        (1_125_000_000, "1.125"),  # after a comma it could be a thousand and more
        (1, "0,000000001"),
        (None, None),
        ("1 000", "1 000"),  # what somebody has typed
    ],
)
def test_it_writes_as_the_reader_does(amount_nano, shown):
    with translation.override("ru"):
        assert RoublesField().prepare_value(amount_nano) == shown
