"""What a model wrote → HTML. It may be hostile: no HTML of its own, no picture, no address but of the web."""

import functools
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

COLOURED_CHARS = 20_000
"""Longer code stays plain: to colour it takes time."""
SCHEMES = ("http://", "https://")

_FORMATTER = HtmlFormatter(nowrap=True)


def render_answer(source: str) -> str:
    """Return Markdown as HTML for a strict CSP: classes, no styles."""
    return str(_markdown().render(source))


class _AnswerRenderer(RendererHTML):
    """What differs from the plain HTML of CommonMark."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        code = _coloured(token.content, token.info.strip())
        return f'<pre class="code" tabindex="0"><code>{code}</code></pre>\n'

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return self.fence(tokens, idx, options, env)

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        tokens[idx].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
        return self.renderToken(tokens, idx, options, env)

    def table_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return '<div class="table-wrap" tabindex="0"><table class="table">\n'

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</table></div>\n"

    def _cell_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        if "right" in str(tokens[idx].attrs.pop("style", "")):
            tokens[idx].attrs["class"] = "num"
        return self.renderToken(tokens, idx, options, env)

    th_open = td_open = _cell_open


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_AnswerRenderer)
    markdown.validateLink = lambda url: url.lower().startswith(SCHEMES)  # type: ignore[method-assign]
    return markdown.enable("table").disable("image")


def _coloured(code: str, language: str) -> str:
    try:
        lexer = get_lexer_by_name(language.split()[0]) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None or len(code) > COLOURED_CHARS:
        return escape(code)
    return highlight(code, lexer, _FORMATTER).rstrip("\n")
