"""The documents of the site: their order and their addresses."""

import functools
import posixpath
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from web.public.markdown import Link, RenderedDocument, render

Language = Literal["ru", "en"]

LOCAL_ADDRESS = "http://localhost:8000"
"""Where the service is reached in the sources; readers see its own address."""


@dataclass(frozen=True, slots=True)
class Page:
    """A document in one of the two languages."""

    slug: str
    file: str
    summary: Promise
    language: Language
    is_legal: bool = False

    @property
    def address(self) -> str:
        """Return the page's address, whatever the visitor's language."""
        if self.language == "en":
            return f"/docs/en/{self.slug}/"
        return f"/{self.slug}/" if self.is_legal else f"/docs/{self.slug}/"

    @property
    def heading(self) -> str:
        return document(self).title


Languages = dict[Language, Page]
"""A document in each language."""


@dataclass(frozen=True, slots=True)
class Group:
    """Documents under one heading."""

    title: Promise
    documents: tuple[Languages, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A heading and the pages below it, in one language."""

    title: Promise
    pages: tuple[Page, ...]


def _guide(slug: str, summary: Promise, *, file: str = "") -> Languages:
    name = f"{file or slug}.md"
    return _document_in_both(slug, f"docs/{name}", f"docs/en/{name}", summary)


def _document_in_both(
    slug: str, russian: str, english: str, summary: Promise, *, is_legal: bool = False
) -> Languages:
    return {
        "ru": Page(slug, russian, summary, "ru", is_legal),
        "en": Page(slug, english, summary, "en", is_legal),
    }


GROUPS = (
    Group(
        gettext_lazy("First steps"),
        (
            _guide(
                "quickstart",
                gettext_lazy("The first answer in five minutes: curl, Python, Node."),
            ),
            _guide(
                "cabinet",
                gettext_lazy("A tour: keys, limits, usage, billing, playground."),
            ),
            _guide(
                "models",
                gettext_lazy("Which there are, what they cost and what they can do."),
            ),
            _guide(
                "authentication",
                gettext_lazy("How to get, send, restrict and revoke them."),
            ),
            _guide(
                "topping-up",
                gettext_lazy("By card, by itself and by code, and what becomes of it."),
            ),
        ),
    ),
    Group(
        gettext_lazy("Requests"),
        (
            _guide(
                "parameters",
                gettext_lazy("What each model honours, and what becomes of the rest."),
                file="api-parameters",
            ),
            _guide("streaming", gettext_lazy("Events, comments, streams that break.")),
            _guide(
                "responses",
                gettext_lazy("OpenAI's Responses API, for its SDKs and for agents."),
            ),
            _guide("codex", gettext_lazy("How to set it up, and what to expect.")),
            _guide(
                "messages",
                gettext_lazy("Messages API for Anthropic's SDKs and Claude Code."),
            ),
            _guide(
                "agents",
                gettext_lazy("Claude Code, Codex and others, with the names that they know."),
            ),
            _guide(
                "examples",
                gettext_lazy("Tools, structured output, pictures, embeddings."),
                file="api-examples",
            ),
            _guide(
                "routing",
                gettext_lazy("Spare models, the choice of a provider, who answered and why."),
            ),
        ),
    ),
    Group(
        gettext_lazy("Applications"),
        (
            _guide(
                "oauth",
                gettext_lazy("OAuth 2.0 with PKCE, and a key for an application in one click."),
            ),
            _guide(
                "keys-api",
                gettext_lazy("Make, restrict and revoke keys from a program."),
            ),
            _guide(
                "compatibility",
                gettext_lazy("Which clients were tried, and how to set them up."),
            ),
        ),
    ),
    Group(
        gettext_lazy("Reference"),
        (
            _guide(
                "api-spec",
                gettext_lazy("Paths, formats, authentication, errors and limits together."),
            ),
            ERRORS := _guide("errors", gettext_lazy("Every code, and what is worth repeating.")),
            _guide(
                "limits",
                gettext_lazy("Tiers, holds, exact charges."),
            ),
            _guide(
                "sandbox",
                gettext_lazy("Answers without providers and money, failures to order."),
            ),
            _guide(
                "moderation",
                gettext_lazy("What is not let through, how to check a text, what the rules are."),
            ),
            _guide(
                "security",
                gettext_lazy("What is kept, what is not, what a provider gets to see."),
            ),
            _guide("support", gettext_lazy("Where to turn, and with what.")),
        ),
    ),
)
_LEGAL = Group(
    gettext_lazy("Terms and data"),
    (
        TERMS := _document_in_both(
            "terms",
            "TERMS.md",
            "docs/en/terms.md",
            gettext_lazy("What the service is, what it costs, what is not allowed."),
            is_legal=True,
        ),
        PRIVACY := _document_in_both(
            "privacy",
            "PRIVACY.md",
            "docs/en/privacy.md",
            gettext_lazy("Which data are kept, for how long, and who gets to see them."),
            is_legal=True,
        ),
        POLICY := _document_in_both(
            "security-policy",
            "docs/security-policy.md",
            "SECURITY.md",
            gettext_lazy("How to report a vulnerability."),
        ),
    ),
)

PAGES = tuple(
    page for group in (*GROUPS, _LEGAL) for both in group.documents for page in both.values()
)
OTHER_FILES = {"docs/README.md": "/docs/", "docs/openapi.json": "/v1/openapi.json"}
"""What the sources link to and the site shows in another form."""

_BY_FILE = {page.file: page for page in PAGES}
_BY_ADDRESS = {page.address: page for page in PAGES}


def language_of_reader() -> Language:
    return "en" if translation.get_language() == "en" else "ru"


def page_at(address: str) -> Page | None:
    return _BY_ADDRESS.get(address)


def twin(page: Page) -> Page:
    """Return the same page in the other language."""
    return next(other for other in PAGES if other.slug == page.slug and other is not page)


def shelves(language: Language) -> tuple[Shelf, ...]:
    """Return all documents of a language under their headings."""
    return tuple(
        Shelf(group.title, tuple(both[language] for both in group.documents))
        for group in (*GROUPS, _LEGAL)
    )


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """Return the guides before and after one."""
    guides = [both[page.language] for group in GROUPS for both in group.documents]
    if page not in guides:
        return None, None
    at = guides.index(page)
    return (guides[at - 1] if at else None), (guides[at + 1] if at + 1 < len(guides) else None)


def document(page: Page) -> RenderedDocument:
    """Render the page; cached, since it changes only with the code."""
    return _document(page, settings.PUBLIC_URL)


@functools.cache
def _document(page: Page, public_url: str) -> RenderedDocument:
    source = (settings.BASE_DIR / page.file).read_text(encoding="utf-8")
    source = source.replace(LOCAL_ADDRESS, public_url)
    with translation.override(page.language):
        return render(source, functools.partial(_link, page), copy_label=gettext("Copy"))


def _link(page: Page, href: str) -> Link | None:
    """Resolve a link of the page's source; None for a file that the site does not show."""
    path, _, anchor = href.partition("#")
    if not path or ":" in path:
        return Link(href)
    file = posixpath.normpath(posixpath.join(posixpath.dirname(page.file), path))
    fragment = f"#{anchor}" if anchor else ""
    if file in OTHER_FILES:
        return Link(OTHER_FILES[file] + fragment)
    target = _BY_FILE.get(file)
    if target is None:
        return None
    return Link(
        target.address + fragment, None if target.language == page.language else target.language
    )
