"""A rule as it is searched for: its words in all spellings, and the phrases that must or must not be near."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from gateway.moderation.rules import STEM, Phrase, SearchRule
from gateway.moderation.spellings import spellings

LEAST_SCATTERED_NEIGHBOUR_LETTERS = 4
MOST_SPELLED_OUT = 500
"""A phrase with more ways to write it is compared word by word."""
COMMON_WORDS = frozenset(
    word.encode("cp1251")
    for word in (
        *(
            "about",
            "from",
            "get",
            "have",
            "life",
            "like",
            "make",
            "people",
            "that",
            "the",
            "this",
            "want",
        ),
        *("what", "when", "which", "with", "you", "your", "больше", "будет", "взять", "где", "для"),
        *("если", "как", "какои", "когда", "можно", "наити", "нужно", "самому", "чтобы", "это"),
    )
)


class Words:
    """The ways to write one word."""

    __slots__ = ("exact", "stems")

    def __init__(self, ways: Iterable[str]) -> None:
        spelled = {
            spelling.encode("cp1251") + way[len(way.rstrip(STEM)) :].encode()
            for way in ways
            for spelling in spellings(way.removesuffix(STEM))
        }
        self.exact = frozenset(way for way in spelled if not way.endswith(b"*"))
        self.stems = tuple(sorted(way[:-1] for way in spelled if way.endswith(b"*")))

    def __contains__(self, word: bytes) -> bool:
        return word in self.exact or word.startswith(self.stems)

    def __len__(self) -> int:
        return len(self.exact) + len(self.stems)

    def rarity(self) -> int:
        """Return a measure of how seldom the word is met: a phrase is found by its rarest one."""
        ways = (*self.exact, *self.stems)
        return 0 if COMMON_WORDS.intersection(ways) else min(map(len, ways))


WordOf = Callable[[tuple[str, ...]], Words]


class _Group:
    """Phrases of which one must be near, or none may be; compiled when one of the rule's is first found."""

    def __init__(self, phrases: Sequence[Phrase], word: WordOf) -> None:
        self._phrases = phrases
        self._word = word

    def is_in(self, words: Sequence[bytes], text: bytes) -> bool:
        """Say whether one stands among the words; `text` is those between single spaces."""
        automaton, _, sequences = self._compiled
        return bool(automaton.find_matches_as_indexes(text)) or any(
            stands_in(sequence, words) for sequence in sequences
        )

    def is_scattered_in(self, squeezed: bytes) -> bool:
        _, scattered, _ = self._compiled
        return bool(scattered.find_matches_as_indexes(squeezed))

    @functools.cached_property
    def _compiled(self) -> tuple[BytesAhoCorasick, BytesAhoCorasick, list[list[Words]]]:
        """What finds the phrases as they are, what finds them taken apart, and those compared word by word."""
        patterns: set[bytes] = set()
        scattered: set[bytes] = set()
        sequences: list[list[Words]] = []
        for phrase in self._phrases:
            words = [self._word(ways) for ways in phrase]
            *before, last = words
            if any(each.stems for each in before) or math.prod(map(len, words)) > MOST_SPELLED_OUT:
                sequences.append(words)
                continue
            for beginning in itertools.product(*(each.exact for each in before)):
                spaced = b" " + b"".join(way + b" " for way in beginning)
                patterns.update(spaced + way + b" " for way in last.exact)
                patterns.update(spaced + way for way in last.stems)
                scattered.update(b"".join(beginning) + way for way in (*last.exact, *last.stems))
        long_enough = [way for way in scattered if len(way) >= LEAST_SCATTERED_NEIGHBOUR_LETTERS]
        return (
            BytesAhoCorasick(sorted(patterns)),
            BytesAhoCorasick(sorted(long_enough)),
            sequences,
        )


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule as it is searched for, in words of the code page 1251."""

    rule: SearchRule
    phrases: tuple[tuple[Words, ...], ...]
    near: tuple[_Group, ...]
    unless: _Group

    def is_broken_by(self, words: Sequence[bytes], squeezed: bytes = b"") -> bool:
        text = b" %b " % b" ".join(words)

        def has(group: _Group) -> bool:
            return group.is_in(words, text) or group.is_scattered_in(squeezed)

        return all(map(has, self.near)) and not has(self.unless)


def compile_rule(rule: SearchRule, word: WordOf) -> CompiledRule:
    """Compile a rule; `word` makes the words, which rules may share."""
    return CompiledRule(
        rule,
        tuple(tuple(map(word, phrase)) for phrase in rule.phrases),
        tuple(_Group(phrases, word) for phrases in rule.near),
        _Group(rule.unless, word),
    )


def stands_in(sequence: Sequence[Words], words: Sequence[bytes]) -> bool:
    """Say whether words of the text stand in the order of the sequence, side by side."""
    first, *rest = sequence
    return any(
        word in first
        and len(words) > index + len(rest)
        and all(words[index + step] in each for step, each in enumerate(rest, start=1))
        for index, word in enumerate(words)
    )
