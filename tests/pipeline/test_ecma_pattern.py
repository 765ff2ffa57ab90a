"""A caller's expression means what ECMA-262 says, and no expression takes long or much memory."""

import pytest

from gateway.pipeline.emulation.ecma_pattern import MOST_BYTES_OF_LARGE, compiled


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "x"),
        ("b", "abc"),
        ("a|b", "xb"),
        ("^[0-9]{4}$", "1234"),
        (r"^(?<year>\d{4})-(\d\d)$", "2026-12"),
        (r"\bкод\b|\bcode\b", "the code is"),
        (r"^[\s\S]$", "ж"),
        (r"^\s[\s]$", "\u3000\v"),
        (r"^[\S]$", "ж"),
        ("^.$", "ж"),
        (r"^\u0430\x41\0\cJ$", "аA\0\n"),
        (r"^\/\-\_\.$", "/-_."),
        (r"^\ud83d\ude00\u{1F600}$", "😀😀"),
        (r"^\p{L}+\p{Script=Cyrillic}\p{Letter}$", "Жуки"),
        (r"^[\p{L}\s-]{2,50}$", "Анна-Мария Ли"),
        ("^[а-яё]{1,20}$", "ёж"),
        ("^[^]$", "\n"),
        (r"^[\w.-][\w-.][-a][a-]$", "a---"),
        (r"^[a-\d]$", "-"),
        (r"^[\b][\]\\^]$", "\b^"),
        ("^[[:alpha:]]$", "a]"),
        ("^a{[b]}]$", "a{b}]"),
        ("^a{,2}$", "a{,2}"),
        ("^.{1,1000}$", "я" * 1000),
    ],
)
def test_a_text_matches(pattern: str, text: str) -> None:
    expression = compiled(pattern).expression
    assert expression is not None
    assert expression.is_in(text.encode())


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[0-9]{4}$", "1234\n"),
        (r"^\d$", "١"),
        (r"^\w$", "ж"),
        (r"^[^\s]$", "\u00a0"),
        (r"^[\S]$", "\u2003"),
        ("^.$", "\u2028"),
        ("^[]$", ""),
        ("^a{,2}$", "aa"),
        (r"^[^-]$", "-"),
        ("^.{1,1000}$", "я" * 1001),
    ],
)
def test_a_text_does_not_match(pattern: str, text: str) -> None:
    expression = compiled(pattern).expression
    assert expression is not None
    assert not expression.is_in(text.encode())


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)b",
        r"(a)\1",
        r"(?<x>a)\k<x>",
        r"\Aa\Z",
        "(?i)a",
        "[",
        "(",
        "\\",
        "a**",
        "[z-a]",
        r"[\u0061-",
        r"\p{Nope}",
        "\ud800",
        r"\ud800",
        "a{1000}{1000}",
        "(a{1000}){1000}",
        "((((a{10}){10}){10}){10}){10}",
        r"\p{L}{1000}",
        "x" * 100_000,
        "(" * 100_000,
        "ab|" * 33_000,
    ],
)
def test_what_cannot_be_searched_for_in_linear_time_is_not_compiled(pattern: str) -> None:
    assert compiled(pattern).expression is None


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "^(a|a)*$", "(x+x+)+y", "(?:x*){1000}y", "^(([a-z])+.)+[A-Z]([a-z])+$"],
)
def test_an_expression_that_would_backtrack_takes_linear_time(pattern: str) -> None:
    expression = compiled(pattern).expression
    assert expression is not None
    for letter in "ax":
        assert not expression.is_in((letter * 10_000 + "!").encode())


def test_what_an_expression_costs_is_told_even_where_it_is_too_large() -> None:
    assert compiled("^a$").cost < 20
    assert compiled(r"\p{L}{1000}").cost > compiled(r"\p{L}{1,50}").cost > 10_000
    assert compiled(r"\p{L}{1,50}").cost < MOST_BYTES_OF_LARGE
