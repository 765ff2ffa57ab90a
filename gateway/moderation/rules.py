"""What a rule of moderation says: words or a pattern, in what neighbourhood, and what follows from it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import re2
from django.utils.translation import gettext

from gateway.moderation.alphabet import fold

STEM = "*"
EXACT = "="
FEWEST_STEM_LETTERS = 3
MOST_PATTERN_BYTES = 1 << 20

_CONTINUED = re.compile(r",\s*\n")
_FOLDED_LETTERS = str.maketrans("ёйЁЙ", "еиЕИ")

Action = Literal["block", "flag"]
Tier = Literal["all", "free", "paid"]
Phrase = tuple[tuple[str, ...], ...]
"""For each word of it the ways to write it, folded; one that ends in `*` is how the word begins."""


class BadRule(ValueError):
    """What an operator wrote is no rule."""


@dataclass(frozen=True, slots=True)
class SearchRule:
    """A rule as it is compiled.

    A text breaks it where one of `phrases` stands within `within_words` of a phrase of each group of `near`,
    and of none of `unless`; or where its `pattern` matches the folded text.
    """

    name: str
    category: str
    action: Action = "block"
    tier: Tier = "all"
    phrases: tuple[Phrase, ...] = ()
    near: tuple[tuple[Phrase, ...], ...] = ()
    unless: tuple[Phrase, ...] = ()
    within_words: int = 0
    pattern: str = ""

    def applies(self, *, is_free: bool) -> bool:
        """Say whether callers of the free tier, or else of the paid one, are held to it."""
        return self.tier == "all" or self.tier == ("free" if is_free else "paid")


def words_of(*texts: str) -> set[str]:
    """Return the words that mean all their forms: those that are no stem and not marked as exact."""
    words = (word for text in texts for line in _lines(text) for term in line for word in term)
    return {word for word in words if not word.startswith(EXACT) and not word.endswith(STEM)}


def groups(text: str, forms: Mapping[str, Sequence[str]]) -> tuple[tuple[Phrase, ...], ...]:
    """Read a group a line of phrases with commas between; a comma at the end continues a line.

    `forms` are those of `words_of`. Raises BadRule.
    """
    return tuple(
        tuple(tuple(_ways(word, forms) for word in term) for term in line) for line in _lines(text)
    )


def compiled_pattern(pattern: str) -> "re2._Regexp[str]":
    """Compile a pattern for folded text, whose matching takes linear time. Raises BadRule."""
    options = re2.Options()
    options.max_mem = MOST_PATTERN_BYTES
    options.case_sensitive = False
    options.log_errors = False
    try:
        found = re2.compile(pattern.translate(_FOLDED_LETTERS), options)
    except re2.error as error:
        # The library gives its reason as bytes.
        why = b"".join(error.args).decode(errors="replace")
        raise BadRule(gettext("RE2 does not read it: %(why)s.") % {"why": why}) from error
    if found.search(""):
        raise BadRule(gettext("It matches the empty text, and so every one."))
    return found


def _lines(text: str) -> list[list[list[str]]]:
    joined = _CONTINUED.sub(",", text.lower())
    lines = ([term.split() for term in line.split(",")] for line in joined.splitlines())
    return [terms for line in lines if (terms := [term for term in line if term])]


def _ways(word: str, forms: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    bare = fold(word.removeprefix(EXACT).removesuffix(STEM))
    if not bare.isalnum():
        raise BadRule(
            gettext("%(word)s is no word: write letters and digits, with a space for a hyphen.")
            % {"word": word}
        )
    if word.endswith(STEM):
        if len(bare) < FEWEST_STEM_LETTERS:
            raise BadRule(
                gettext("%(word)s would match too much: %(fewest)s letters at least.")
                % {"word": word, "fewest": FEWEST_STEM_LETTERS}
            )
        return (bare + STEM,)
    return (bare,) if word.startswith(EXACT) else tuple(forms.get(word, (bare,)))
