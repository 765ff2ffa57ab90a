"""The forms of Russian words, from a dictionary: looked up when a rule is saved, never in a request."""

import re
from collections.abc import Iterable

import pymorphy3

from gateway.moderation.alphabet import fold

LONGEST_ABBREVIATION = 1
"""A form that is no longer, as в of век, is more often another word."""

_RUSSIAN = re.compile(r"[а-яё]+")


def word_forms(words: Iterable[str]) -> dict[str, list[str]]:
    """Return all forms of each word, itself among them, folded; a word of another language has but one."""
    analyzer: pymorphy3.MorphAnalyzer | None = None  # 15 MB, so not kept
    found = {}
    for word in words:
        forms = {fold(word)}
        if _RUSSIAN.fullmatch(word):
            analyzer = analyzer or pymorphy3.MorphAnalyzer()
            lexeme = analyzer.parse(word)[0].lexeme
            forms |= {fold(form.word) for form in lexeme if len(form.word) > LONGEST_ABBREVIATION}
        found[word] = sorted(forms)
    return found
