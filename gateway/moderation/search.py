"""Find the rules that texts break, in time linear to their length: one automaton for the words of all rules.

An ordinary text is read once, and once more without its spaces, for words that were taken apart. Only a text
with disguised letters is read in other ways too, and only around a rule's words the neighbourhood is judged.
"""

import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from gateway.moderation.alphabet import BORDER, letters
from gateway.moderation.compiled_rules import CompiledRule, Words, compile_rule, stands_in
from gateway.moderation.readings import Joints, LetterPlaces, ReadText, readings_of
from gateway.moderation.rules import SearchRule, compiled_pattern

FLAGGED_INPUT_CHARACTERS = 100
BEFORE_LETTERS = 40
"""How much of an excerpt stands before the word whose neighbourhood counts too."""
LEAST_SCATTERED_LETTERS = 5
"""A shorter word, taken apart, cannot be told from pieces of others."""
WORD_BYTES = 12
"""A neighbourhood of N words is looked for in N times so many bytes."""
FEW_MATCHES = 8
"""So many are judged one by one; of more, whether any is taken apart is known from their number."""
MOST_SCATTERED_REGIONS = 50
SPACE = 0x20
CHUNK_BYTES = 1 << 18
CHUNK_OVERLAP_BYTES = 1 << 7
CHUNK_CHARACTERS = 1 << 12


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a text breaks, and where: at most FLAGGED_INPUT_CHARACTERS of it."""

    rule: SearchRule
    excerpt: str


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A word by which a phrase of a rule is found: the rarest of it, at `index`."""

    number: int
    phrase: tuple[Words, ...]
    index: int
    is_stem: bool


class Search:
    """Searches texts for what some rules forbid. Immutable, and shared by all requests."""

    def __init__(self, rules: Sequence[SearchRule], previous: "Search | None" = None) -> None:
        """Compile the rules; those that `previous` has too are taken from it. Raises BadRule."""
        self.rules = tuple(rules)
        word = functools.cache(Words)  # rules share vocabularies
        known = {each.rule.name: each for each in previous._compiled} if previous else {}
        self._compiled: list[CompiledRule] = [
            known[rule.name]
            if rule.name in known and known[rule.name].rule == rule
            else compile_rule(rule, word)
            for rule in rules
        ]
        self._patterns = [
            (number, compiled_pattern(rule.pattern))
            for number, rule in enumerate(rules)
            if rule.pattern
        ]
        anchors: defaultdict[bytes, list[_Anchor]] = defaultdict(list)
        scattered: defaultdict[bytes, list[_Anchor]] = defaultdict(list)
        for number, compiled in enumerate(self._compiled):
            for words in compiled.phrases:
                index = max(range(len(words)), key=lambda index: words[index].rarity())
                for is_stem, ways in ((False, words[index].exact), (True, words[index].stems)):
                    for way in ways:
                        anchor = _Anchor(number, words, index, is_stem)
                        anchors[b" " + way + (b"" if is_stem else b" ")].append(anchor)
                        if len(way) >= LEAST_SCATTERED_LETTERS:
                            scattered[way].append(anchor)
        self._anchors = list(anchors.values())
        self._scattered = list(scattered.items())
        self._anchor_words = BytesAhoCorasick(list(anchors))
        self._scattered_words = BytesAhoCorasick(list(scattered))

    def find(self, texts: Sequence[str], *, are_apart: bool = False) -> list[Broken]:
        """Return the rules that the texts break, each once.

        What begins in one text may end in the next, unless they `are_apart`.
        """
        parts = [letters(text) for text in texts]
        found: dict[int, Broken] = {}
        border = b" %b " % BORDER if are_apart else b"\n"
        self._find(border.join(parts), found, lambda place: _excerpt(texts, len(border), place))
        if len(parts) > 1 and not are_apart:
            joints = Joints(parts)
            self._find(joints.text, found, lambda place: _excerpt(texts, 0, joints.place(place)))
        return [found[number] for number in sorted(found)]

    def _find(self, text: bytes, found: dict[int, Broken], excerpt: Callable[[int], str]) -> None:
        """Add the rules that a text of `letters` breaks; `excerpt` is given a place in it."""
        for reading in readings_of(text):
            places: dict[int, int] = {}
            self._find_words(reading, places, found)
            self._find_scattered(reading, places, found)
            if self._patterns:
                self._find_patterns(reading, places, found)
            for number, place in places.items():
                rule = self.rules[number]
                before = BEFORE_LETTERS if rule.near else 0
                found[number] = Broken(rule, excerpt(max(0, reading.place(place) - before)))

    def _find_words(self, reading: ReadText, places: dict[int, int], known: Container[int]) -> None:
        beginnings: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for pattern, start, _ in _matches(self._anchor_words, reading.text):
            for anchor in self._anchors[pattern]:
                if anchor.number not in known:
                    beginning = _beginning(anchor, reading.text, start)
                    if beginning is not None:
                        by_start = beginnings[anchor.number]
                        by_start[start] = min(beginning, by_start.get(start, start))
        for number, by_start in beginnings.items():
            compiled = self._compiled[number]
            within_words = compiled.rule.within_words
            for start, words in _neighbourhoods(reading.text, list(by_start), within_words):
                if compiled.is_broken_by(words):
                    places[number] = by_start[start]
                    break

    def _find_scattered(
        self, reading: ReadText, places: dict[int, int], known: Container[int]
    ) -> None:
        """Find words with spaces within. It begins where a word does; one that is no stem ends so, too."""
        text = reading.text
        squeezed = text.translate(None, b" ")
        hits = list(_matches(self._scattered_words, squeezed))
        counts = Counter(pattern for pattern, _, _ in hits)
        taken_apart = {
            pattern
            for pattern, count in counts.items()
            if count <= FEW_MATCHES or count > text.count(self._scattered[pattern][0])
        }
        if not taken_apart:
            return
        places_of = LetterPlaces(text)

        def span_of(anchor: _Anchor, start: int, end: int) -> tuple[int, int, int] | None:
            first, last = places_of[start], places_of[end - 1] + 1
            if not _is_in_pieces(text, first, last) or not (anchor.is_stem or text[last] == SPACE):
                return None
            beginning = _scattered_beginning(anchor, squeezed, start)
            return None if beginning is None else (start, end, beginning)

        hits = [hit for hit in hits if hit[0] in taken_apart]
        regions: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for pattern, start, end in hits:
            for anchor in self._scattered[pattern][1]:
                spans = regions[anchor.number]
                if (
                    len(spans) < MOST_SCATTERED_REGIONS
                    and anchor.number not in known
                    and (span := span_of(anchor, start, end))
                ):
                    spans.append(span)
        # Of more, all from the first to the last are one region.
        full = {number for number, spans in regions.items() if len(spans) == MOST_SCATTERED_REGIONS}
        for pattern, start, end in reversed(hits):
            if not full:
                break
            for anchor in self._scattered[pattern][1]:
                if anchor.number in full and (span := span_of(anchor, start, end)):
                    first, *_ = regions[anchor.number]
                    regions[anchor.number] = [(first[0], span[1], first[2])]
                    full.remove(anchor.number)
        for number, spans in regions.items():
            compiled = self._compiled[number]
            width = compiled.rule.within_words * WORD_BYTES
            for start, end, beginning in spans:
                left, right = max(0, start - width), min(end + width, len(squeezed))
                words = text[places_of[left] : places_of[right - 1]].split()
                if compiled.is_broken_by(words, squeezed[left:right]):
                    places[number] = places_of[beginning]
                    break

    def _find_patterns(
        self, reading: ReadText, places: dict[int, int], known: Container[int]
    ) -> None:
        text = reading.text.decode("cp1251")
        for number, pattern in self._patterns:
            if number not in known and (match := pattern.search(text)):
                places[number] = match.start()


def _matches(automaton: BytesAhoCorasick, text: bytes) -> Iterator[tuple[int, int, int]]:
    """Return the pattern, start and end of each match, however many there are, in little memory."""
    if len(text) <= CHUNK_BYTES:
        yield from automaton.find_matches_as_indexes(text, overlapping=True)
        return
    for offset in range(0, len(text), CHUNK_BYTES):
        chunk = text[offset : offset + CHUNK_BYTES + CHUNK_OVERLAP_BYTES]
        for pattern, start, end in automaton.find_matches_as_indexes(chunk, overlapping=True):
            if start < CHUNK_BYTES:
                yield pattern, offset + start, offset + end


def _beginning(anchor: _Anchor, text: bytes, start: int) -> int | None:
    """Return where the phrase around the word at `start` begins; None where its other words do not stand."""
    if len(anchor.phrase) == 1:
        return start
    width = len(anchor.phrase) * WORD_BYTES * 2
    left = max(0, start - width)
    before = text[left:start].rsplit(maxsplit=anchor.index)
    ahead = left + len(before.pop(0)) if len(before) > anchor.index else left
    after = text[start : start + width].split()[: len(anchor.phrase) - anchor.index]
    if not stands_in(anchor.phrase, [*before, *after]):
        return None
    return ahead if anchor.index else start


def _scattered_beginning(anchor: _Anchor, squeezed: bytes, start: int) -> int | None:
    width = len(anchor.phrase) * WORD_BYTES
    left = max(0, start - width)
    around = squeezed[left : start + width]
    if not all(any(way in around for way in (*word.exact, *word.stems)) for word in anchor.phrase):
        return None
    if anchor.index == 0:
        return start
    first = anchor.phrase[0]
    places = [squeezed.rfind(way, left, start) for way in (*first.exact, *first.stems)]
    return max((place for place in places if place >= 0), default=start)


def _neighbourhoods(
    text: bytes, starts: list[int], within_words: int
) -> Iterator[tuple[int, list[bytes]]]:
    """Return the words around each start; starts whose neighbourhoods touch have one together."""
    width = within_words * WORD_BYTES
    starts.sort()
    first = starts[0]
    words = _last_words(text[max(0, first - width) : first], within_words)
    for start, following in itertools.zip_longest(starts, starts[1:], fillvalue=len(text)):
        if following - start <= 2 * width:
            between = text[start:following]
            if following < len(text) and BORDER not in between:
                words += between.split()
                continue
        right = text[start : min(following, start + width + WORD_BYTES)].partition(BORDER)[0]
        yield first, words + right.split()[: within_words + 1]
        if following < len(text):
            first = following
            words = _last_words(text[max(start, first - width) : first], within_words)


def _last_words(text: bytes, count: int) -> list[bytes]:
    return text.rpartition(BORDER)[2].split()[-count:] if count else []


def _is_in_pieces(text: bytes, first: int, last: int) -> bool:
    """Say whether what stands there begins as a word and has spaces within."""
    return text[first - 1] == SPACE and b" " in text[first:last] and BORDER not in text[first:last]


def _printable(text: str) -> str:
    """Return a text that every store and wire takes: without NULs and halves of characters."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode().strip()


def _excerpt(texts: Sequence[str], border_bytes: int, left: int) -> str:
    """Return a part of the texts, from the letter on before which `left` others stand."""
    for text in texts:
        for start in range(0, len(text), CHUNK_CHARACTERS):
            chunk = text[start : start + CHUNK_CHARACTERS]
            if left >= len(letters(chunk)):
                left -= len(letters(chunk))
                continue
            for character in chunk:
                if left <= 0:
                    break
                left -= len(letters(character))
                start += 1
            return _printable(text[start : start + FLAGGED_INPUT_CHARACTERS])
        left -= border_bytes
    return ""
