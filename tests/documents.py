"""The project's documents, as tests read them: pages, their headings, links, tables and code."""

import pathlib
import re
from dataclasses import dataclass

PROJECT = pathlib.Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(PROJECT)
    for pattern in ("*.md", "docs/**/*.md")
    for path in PROJECT.glob(pattern)
)

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(
    r"^```python\n(.*?)^```$\n?(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<(https?://[^>\s]+)>")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced piece of code with the word behind its fence."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """Python that a page shows, and what it prints where the page says so."""

    code: str
    printed: str | None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One document; `prose` is its text without the fenced blocks."""

    text: str
    prose: str

    @property
    def blocks(self) -> list[Block]:
        return [Block(*found.groups()) for found in _FENCE.finditer(self.text)]

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Return level and text of each."""
        return [(len(marks), text) for marks, text in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """Return what a link may name behind `#`."""
        return {
            re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _, text in self.headings
        }

    @property
    def links(self) -> list[str]:
        return [inline or bare for inline, bare in _LINK.findall(self.prose)]

    @property
    def code(self) -> list[str]:
        """Return what stands between single backticks."""
        return _CODE.findall(self.prose)

    @property
    def rows(self) -> list[list[str]]:
        """Return the cells of every table row, header rows included."""
        return [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in self.prose.splitlines()
            if line.startswith("| ") and not line.startswith("| ---")
        ]

    @property
    def examples(self) -> list[Example]:
        """Return the Python of the page; a `text` block right behind one is what it prints."""
        return [Example(*found.groups()) for found in _EXAMPLE.finditer(self.text)]


def read(path: pathlib.Path | str) -> DocumentPage:
    """Read a page of the project."""
    text = (PROJECT / path).read_text(encoding="utf-8")
    return DocumentPage(text, _FENCE.sub("\n", text))
