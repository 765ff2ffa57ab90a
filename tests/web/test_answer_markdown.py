"""What a model wrote as HTML: nothing of its own gets through, and no host but ours is asked for anything."""

from html.parser import HTMLParser

import pytest

from web.cabinet.answer_markdown import COLOURED_CHARS, render_answer


class Tags(HTMLParser):
    """The tags of HTML, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    @classmethod
    def of(cls, html: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
        reader = cls()
        reader.feed(html)
        return reader.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def test_markdown_is_html():
    html = render_answer(
        "# Rivers\n\n- **Ob**\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```python\nx = 1\n```\n"
    )
    assert "<h1>Rivers</h1>" in html
    assert "<strong>Ob</strong>" in html
    assert '<td class="num">2</td>' in html
    assert '<pre class="code" tabindex="0"><code><span class="n">x</span>' in html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![a picture](https://evil.example/a.png)",
        "[press](javascript:alert(1))",
        "[press](JavaScript:alert(1))",
        "[press](data:text/html;base64,PHNjcmlwdD4=)",
        "[press](/accounts/logout/)",
        '[x](https://a.example/" onclick="alert(1))',
        "[x](https://a.example 'a\" onclick=\"alert(1)')",
        '```x" onclick="alert(1)\n<b>\n```',
        "| a |\n|:-:|\n| <b>x</b> |",
        "    <script>alert(1)</script>",
        "<https://a.example/<script>>",
    ],
)
def test_what_is_hostile_is_inert(source: str):
    for tag, attributes in Tags.of(render_answer(source)):
        assert tag in {"p", "a", "pre", "code", "div", "table", "thead", "tbody", "tr", "th", "td"}
        assert {name for name, _ in attributes} <= {
            "href",
            "title",
            "target",
            "rel",
            "class",
            "tabindex",
        }
        assert str(dict(attributes).get("href", "https://")).startswith("https://")


def test_a_link_opens_a_page_that_knows_nothing_of_ours():
    assert render_answer("[Ob](https://example.ru/ob)") == (
        '<p><a href="https://example.ru/ob" target="_blank" rel="noopener noreferrer nofollow">Ob</a></p>\n'
    )


@pytest.mark.parametrize("fence", ["```nosuchlanguage\n", "```\n", "``` \n", "```python\n"])
def test_any_code_is_shown(fence: str):
    assert "&lt;b&gt;" in render_answer(f"{fence}<b>{'x' * COLOURED_CHARS}\n```")
