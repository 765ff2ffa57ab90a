"""Amounts as people read them: kopecks, but never a zero for something."""

import pytest
from django.utils import translation

from billing.templatetags.money import kopecks
from infra.credits import credits_of
from infra.rouble_text import amount_of, exact_roubles, rounded_roubles


@pytest.mark.parametrize(
    ("amount_nano", "exact", "rounded"),
    [
        (0, "0,00 ₽", "0,00 ₽"),
        (2_225_909_530_000, "2 225,90953 ₽", "2 225,91 ₽"),
        (1_500_000_000_000, "1 500,00 ₽", "1 500,00 ₽"),
        (12_345_678_900, "12,3456789 ₽", "12,35 ₽"),
        (-2_005_000_000, "−2,005 ₽", "−2,01 ₽"),
        (10_000_000, "0,01 ₽", "0,01 ₽"),
        (9_999_999, "0,009999999 ₽", "0,0100 ₽"),
        (1_820_000, "0,00182 ₽", "0,0018 ₽"),
        (-1, "−0,000000001 ₽", "−0,000000001 ₽"),
        (10**18 - 1, "999 999 999,999999999 ₽", "1 000 000 000,00 ₽"),
    ],
)
def test_an_amount_is_told_exactly_and_in_kopecks(amount_nano: int, exact: str, rounded: str):
    with translation.override("ru"):
        assert exact_roubles(amount_nano).replace("\N{NO-BREAK SPACE}", " ") == exact
        assert rounded_roubles(amount_nano).replace("\N{NO-BREAK SPACE}", " ") == rounded


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("amount_nano", [0, -1, 2_225_909_530_000, -1_500_000_000_000])
def test_a_shown_amount_is_read_again(amount_nano: int, language: str):
    with translation.override(language):
        assert amount_of(exact_roubles(amount_nano)) == credits_of(amount_nano)


@pytest.mark.parametrize(
    "text", ["", "5", "5 ₽", "much\N{NO-BREAK SPACE}₽", "5\N{NO-BREAK SPACE}₽ a day"]
)
def test_what_shows_no_amount_is_none(text: str):
    assert amount_of(text) is None


def test_a_rounded_amount_has_the_exact_one_as_its_tooltip():
    with translation.override("en"):
        assert (
            kopecks(1_234_560_000)
            == '<span title="1.23456\N{NO-BREAK SPACE}₽">1.23\N{NO-BREAK SPACE}₽</span>'
        )
        assert kopecks(1_230_000_000) == "1.23\N{NO-BREAK SPACE}₽"
