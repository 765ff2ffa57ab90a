"""In-process search of the documents and the API reference: words against titles, headings and texts."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from django.conf import settings
from django.utils.html import strip_tags

from web.public.manual import PAGES, Language, document
from web.public.reference.sections import reference

MOST_WORDS = 8
MOST_HITS = 30
EXCERPT_CHARACTERS = 180
SHORTEST_STEM = 4
ENDING_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A section of a page, or an operation of the API reference, that contains every word of a query."""

    address: str
    page: str
    heading: str
    excerpt: str


def find(query: str, language: Language) -> list[Hit]:
    """Return the sections of that language with all words of `query`, the best first."""
    words = _words(query)[:MOST_WORDS]
    if not words:
        return []
    stems = [_stem(word) for word in words]
    hits: list[tuple[int, Hit]] = []
    for entry in _index(language, settings.PUBLIC_URL):
        ranks = [entry.rank(stem) for stem in stems]
        if all(ranks):
            excerpt = _excerpt(entry.text, stems)
            rank = sum(ranks) + entry.rank(f"{' '.join(words)} ")
            hits.append((rank, Hit(entry.address, entry.page, entry.heading, excerpt)))
    hits.sort(key=lambda hit: -hit[0])
    return [hit for _, hit in hits[:MOST_HITS]]


class _IndexEntry:
    """A section, and its texts normalised for search: folded words with single spaces between.

    What is found in `named` is worth as much as what is found in the heading.
    """

    __slots__ = ("_places", "address", "heading", "page", "text")

    def __init__(self, address: str, page: str, heading: str, text: str, named: str = "") -> None:
        self.address, self.page, self.heading, self.text = address, page, heading, text
        worth = ((f"{heading or page} {named}", 4), (page, 2), (text, 1))
        self._places = tuple((_folded(place), rank) for place, rank in worth)

    def rank(self, start: str) -> int:
        """Return the rank of what begins with a word's stem in this section; 0 where it is missing."""
        return sum(worth for place, worth in self._places if f" {start}" in place)


@functools.cache
def _index(language: Language, public_url: str) -> tuple[_IndexEntry, ...]:
    return (*_sections(language), *_operations(language, public_url))


def _sections(language: Language) -> Iterator[_IndexEntry]:
    for page in PAGES:
        if page.language == language:
            for section in document(page).sections:
                if section.level > 1:
                    address, heading = f"{page.address}#{section.anchor}", section.heading
                else:
                    address, heading = page.address, ""
                yield _IndexEntry(address, page.heading, heading, section.text)


def _operations(language: Language, public_url: str) -> Iterator[_IndexEntry]:
    for section in reference(language, public_url).sections:
        for operation in section.operations:
            address = f"{section.address}#{operation.id}"
            called = f"{operation.method} {operation.path}"
            text = " ".join([called, *(strip_tags(text) for text in operation.texts)])
            yield _IndexEntry(address, section.title, operation.title, unescape(text), called)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("ё", "е"))


def _folded(text: str) -> str:
    return f" {' '.join(_words(text))} "


def _stem(word: str) -> str:
    """Return the word without its ending, so that other forms of it are found too."""
    return word[: max(SHORTEST_STEM, len(word) - ENDING_CHARACTERS)]


def _excerpt(text: str, stems: list[str]) -> str:
    """Return the words around the first match."""
    plain = " ".join(text.split())
    folded = plain.casefold().replace("ё", "е")
    found = min((at for stem in stems if (at := folded.find(stem)) >= 0), default=0)
    start = plain.rfind(" ", 0, max(0, found - EXCERPT_CHARACTERS // 3)) + 1
    end = start + EXCERPT_CHARACTERS
    excerpt = plain[start:end].rpartition(" ")[0] if len(plain) > end else plain[start:]
    return f"{'… ' if start else ''}{excerpt}{' …' if len(plain) > end else ''}"
