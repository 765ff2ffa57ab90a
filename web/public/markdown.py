"""Markdown → HTML for a strict CSP: classes, no styles, no raw HTML."""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

OUTPUT = "text"
"""The word behind the fence of what an example prints: there is nothing to copy."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link of the source leads on the site; `language` where it is another than the page's."""

    address: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text below it; before the first heading of level 2, the title's."""

    level: int
    heading: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A rendered page; its `html` begins after the title."""

    title: str
    html: str
    sections: tuple[Section, ...]

    @property
    def contents(self) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.level == 2)


def render(source: str, link: Callable[[str], Link | None], *, copy_label: str) -> RenderedDocument:
    """Render a page that begins with its title.

    `link` is asked about each address of the source; None leaves the words without a link.
    """
    markdown = _markdown()
    tokens = markdown.parse(source)
    sections = tuple(_sections(tokens))
    for token in tokens:
        if token.type == "inline":
            _follow(token.children or [], link)
    body = tokens[3:]  # behind the title: its opening, its words, its end
    html = markdown.renderer.render(body, markdown.options, {"copy_label": copy_label})
    return RenderedDocument(sections[0].heading, html, sections)


class _Renderer(RendererHTML):
    """What differs from the plain HTML of CommonMark."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        lexer = get_lexer_by_name(token.info or OUTPUT)
        code = highlight(token.content, lexer, _FORMATTER).rstrip("\n")
        name = f"code-{token.meta['number']}"
        pre = f'<pre class="code" id="{name}" tabindex="0"><code>{code}</code></pre>\n'
        if token.info == OUTPUT:
            return pre
        label = escape(str(env["copy_label"]))
        button = f'<button type="button" class="button button-small" data-copy="#{name}">{label}</button>'
        bar = f'<div class="docs-code-bar"><span>{escape(lexer.name)}</span>{button}</div>'
        return f'<div class="docs-code">\n{bar}\n{pre}</div>\n'

    def table_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        label = escape(tokens[idx].meta["heading"])
        return (
            f'<div class="table-wrap" tabindex="0" role="region" aria-label="{label}">\n'
            '<table class="table">\n'
        )

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</table>\n</div>\n"


_FORMATTER = HtmlFormatter(nowrap=True)


@functools.cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """Split the page at its headings, and annotate the tokens for rendering."""
    taken: dict[str, int] = {}
    number = 0
    level, heading, anchor = 0, "", ""
    words: list[str] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        match token.type:
            case "heading_open":
                if level:
                    yield Section(level, heading, anchor, " ".join(words))
                level, words = int(token.tag[1:]), []
            case "inline" if before is not None and before.type == "heading_open":
                heading = _text(token)
                anchor = _anchor(heading, taken)
                before.attrs["id"] = anchor
            case "inline":
                words.append(_text(token))
            case "fence":
                number += 1
                token.meta["number"] = number
                words.append(token.content)
            case "table_open":
                token.meta["heading"] = heading
            case "th_open" | "td_open" if "right" in str(token.attrs.pop("style", "")):
                token.attrs["class"] = "num"
    yield Section(level, heading, anchor, " ".join(words))


def _anchor(heading: str, taken: dict[str, int]) -> str:
    """Return the anchor that GitHub gives such a heading, numbered where it is taken."""
    name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    count = taken[name] = taken.get(name, -1) + 1
    return f"{name}-{count}" if count else name


def _text(inline: Token) -> str:
    children = inline.children or []
    return "".join(child.content or " " * child.type.endswith("break") for child in children)


def _follow(children: Sequence[Token], link: Callable[[str], Link | None]) -> None:
    """Replace the links by the site's addresses, and hide those that lead nowhere."""
    is_dead = False
    for token in children:
        if token.type == "link_open":
            target = link(str(token.attrs["href"]))
            is_dead = target is None
            if target is not None:
                token.attrs["href"] = target.address
                if target.language is not None:
                    token.attrs["hreflang"] = target.language
        if token.type in ("link_open", "link_close"):
            token.hidden = is_dead
