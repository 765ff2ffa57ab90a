"""In-process search of the documents: words against titles, headings and texts."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from web.public.manual import PAGES, Language, Page, document
from web.public.markdown import Section

MOST_WORDS = 8
MOST_HITS = 30
EXCERPT_CHARACTERS = 180
SHORTEST_STEM = 4
ENDING_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that contains every word of a query."""

    page: Page
    section: Section
    excerpt: str

    @property
    def address(self) -> str:
        return self.page.address + (f"#{self.section.anchor}" if self.section.level > 1 else "")


def find(query: str, language: Language) -> list[Hit]:
    """Return the sections of that language with all words of `query`, the best first."""
    stems = [_stem(word) for word in _words(query)[:MOST_WORDS]]
    if not stems:
        return []
    hits: list[tuple[int, Hit]] = []
    for entry in _index(language, settings.PUBLIC_URL):
        ranks = [entry.rank(stem) for stem in stems]
        if all(ranks):
            excerpt = _excerpt(entry.section.text, stems)
            hits.append((sum(ranks), Hit(entry.page, entry.section, excerpt)))
    hits.sort(key=lambda hit: -hit[0])
    return [hit for _, hit in hits[:MOST_HITS]]


@dataclass(frozen=True, slots=True)
class _IndexEntry:
    """A section normalised for search: folded words with single spaces between."""

    page: Page
    section: Section
    title: str
    heading: str
    text: str

    def rank(self, stem: str) -> int:
        """Return the rank of a word in this section; 0 where it is missing."""
        places = ((self.heading, 4), (self.title, 2), (self.text, 1))
        return sum(worth for place, worth in places if f" {stem}" in place)


@functools.cache
def _index(language: Language, public_url: str) -> tuple[_IndexEntry, ...]:
    return tuple(_entries(language))


def _entries(language: Language) -> Iterator[_IndexEntry]:
    for page in PAGES:
        if page.language == language:
            title = _folded(document(page).title)
            for section in document(page).sections:
                heading, text = _folded(section.heading), _folded(section.text)
                yield _IndexEntry(page, section, title, heading, text)


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
