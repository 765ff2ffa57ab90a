"""The reasons of a route are shown in the reader's language: all that the pipeline can give."""

import ast
import pathlib
import re

import pytest
from django.utils import translation

from gateway.pipeline.execution import attempts, provider_call, record
from gateway.pipeline.routing import auto_rules, ranking, router
from web.templatetags.routing_words import reason_in_words, reasons_in_words, strategy_in_words

CYRILLIC = re.compile("[А-Яа-я]{3,}")
NUMBERS = {"its {} rests after failures": ("credential", "route")}
OTHERS = re.compile(r"[A-Z]|.*\.$|, $|{} {}: {}$")
"""Texts of these modules that are no reasons: docstrings, errors with a full stop, what joins texts."""
ERRORS = {"the answer is empty", "the provider is over its limit"}


def texts_of(module) -> set[str]:
    """Return the texts with a space that a module's code is written with, `{}` for what is put in."""
    nodes = list(ast.walk(ast.parse(pathlib.Path(module.__file__).read_text())))
    joined = [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
    pieces = {id(part) for parts in joined for part in parts}
    found = {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        for parts in joined
    }
    found |= {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces
    }
    return {text for text in found - ERRORS if " " in text and not OTHERS.match(text)}


def reasons() -> list[str]:
    modules = (attempts, auto_rules, provider_call, ranking, record, router)
    found = set().union(*map(texts_of, modules))
    return sorted(
        text.replace("{}", word) for text in found for word in NUMBERS.get(text, ("7.5",))
    )


@pytest.mark.parametrize("reason", reasons())
def test_every_reason_has_its_russian(reason: str) -> None:
    with translation.override("ru"):
        shown = reason_in_words(reason)
    assert 'lang="en"' not in shown
    assert CYRILLIC.search(shown)


def test_points_keep_their_number_and_the_unknown_is_marked_as_english() -> None:
    price = "price -1.6: what this request may cost, a point for each doubling of the cheapest"
    with translation.override("ru"):
        shown = reasons_in_words([price, "12.5 points", "because <b>"])
        assert strategy_in_words("price, order") == "сначала самые дешёвые, в порядке запроса"
    assert shown.startswith("−1.6: ")
    assert "баллов: 12.5" in shown
    assert shown.endswith('<span lang="en">because &lt;b&gt;</span>')
