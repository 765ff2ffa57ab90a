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
    """A document: `title` names it to those who read another language."""

    slug: str
    file: str
    title: str
    summary: Promise
    language: Language = "ru"
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


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pages."""

    title: Promise
    pages: tuple[Page, ...]


def _guide(slug: str, title: str, summary: Promise, *, file: str = "") -> Page:
    return Page(slug, f"docs/{file or slug}.md", title, summary)


_WAYS_TO_PAY = gettext_lazy("By card, by itself and by code, and what becomes of it.")
_OTHER_NAMES = gettext_lazy("Claude Code, Codex and others, with the names that they know.")
_CLIENTS = gettext_lazy("Which clients were tried, and how to set them up.")

GROUPS = (
    Group(
        gettext_lazy("First steps"),
        (
            _guide(
                "quickstart",
                "Quick start",
                gettext_lazy("The first answer in five minutes: curl, Python, Node."),
            ),
            _guide(
                "cabinet",
                "The cabinet",
                gettext_lazy("A tour: keys, limits, usage, billing, playground."),
            ),
            _guide(
                "models",
                "Models",
                gettext_lazy("Which there are, what they cost and what they can do."),
            ),
            _guide(
                "authentication",
                "API keys",
                gettext_lazy("How to get, send, restrict and revoke them."),
            ),
            _guide("topping-up", "Topping up", _WAYS_TO_PAY),
        ),
    ),
    Group(
        gettext_lazy("Requests"),
        (
            _guide(
                "parameters",
                "Parameters",
                gettext_lazy("What each model honours, and what becomes of the rest."),
                file="api-parameters",
            ),
            _guide("streaming", "Streaming", gettext_lazy("Events, comments, streams that break.")),
            _guide(
                "responses",
                "Responses API",
                gettext_lazy("OpenAI's Responses API, for its SDKs and for agents."),
            ),
            _guide("codex", "Codex", gettext_lazy("How to set it up, and what to expect.")),
            _guide(
                "messages",
                "Anthropic's protocol",
                gettext_lazy("Messages API for Anthropic's SDKs and Claude Code."),
            ),
            _guide("agents", "Agents", _OTHER_NAMES),
            _guide(
                "examples",
                "Examples",
                gettext_lazy("Tools, structured output, pictures, embeddings."),
                file="api-examples",
            ),
            _guide(
                "routing",
                "Routing",
                gettext_lazy("Spare models, the choice of a provider, who answered and why."),
            ),
        ),
    ),
    Group(
        gettext_lazy("Applications"),
        (
            _guide(
                "oauth",
                "Log in with XRouter",
                gettext_lazy("OAuth 2.0 with PKCE, and a key for an application in one click."),
            ),
            _guide(
                "keys-api",
                "Keys by API",
                gettext_lazy("Make, restrict and revoke keys from a program."),
            ),
            _guide("compatibility", "Compatibility", _CLIENTS),
        ),
    ),
    Group(
        gettext_lazy("Reference"),
        (
            _guide(
                "api-spec",
                "The API on one page",
                gettext_lazy("Paths, formats, authentication, errors and limits together."),
            ),
            _guide("errors", "Errors", gettext_lazy("Every code, and what is worth repeating.")),
            _guide(
                "limits",
                "Limits and money",
                gettext_lazy("Tiers, holds, exact charges."),
            ),
            _guide(
                "sandbox",
                "The sandbox",
                gettext_lazy("Answers without providers and money, failures to order."),
            ),
            _guide(
                "moderation",
                "Moderation",
                gettext_lazy("What is not let through, how to check a text, what the rules are."),
            ),
            _guide(
                "security",
                "Security",
                gettext_lazy("What is kept, what is not, what a provider gets to see."),
            ),
            _guide("support", "Support", gettext_lazy("Where to turn, and with what.")),
        ),
    ),
)
GUIDES = tuple(page for group in GROUPS for page in group.pages)

_FIRST_ANSWER = gettext_lazy("The first answer in five minutes: curl, Python, Node.")
_CONDITIONS = gettext_lazy("What the service is, what it costs, what is not allowed.")
_DATA = gettext_lazy("Which data are kept, for how long, and who gets to see them.")
_VULNERABILITIES = gettext_lazy("How to report a vulnerability.")

QUICK_START = Page("quickstart", "docs/en/quickstart.md", "Quick start", _FIRST_ANSWER, "en")
AGENTS_IN_ENGLISH = Page("agents", "docs/en/agents.md", "Agents", _OTHER_NAMES, "en")
COMPATIBILITY_IN_ENGLISH = Page(
    "compatibility", "docs/en/compatibility.md", "Compatibility", _CLIENTS, "en"
)
TOPPING_UP_IN_ENGLISH = Page(
    "topping-up", "docs/en/topping-up.md", "Topping up", _WAYS_TO_PAY, "en"
)
TERMS = Page("terms", "TERMS.md", "Terms", _CONDITIONS, is_legal=True)
TERMS_IN_ENGLISH = Page("terms", "docs/en/terms.md", "Terms", _CONDITIONS, "en", is_legal=True)
PRIVACY = Page("privacy", "PRIVACY.md", "Privacy", _DATA, is_legal=True)
PRIVACY_IN_ENGLISH = Page("privacy", "docs/en/privacy.md", "Privacy", _DATA, "en", is_legal=True)
POLICY = Page("security-policy", "docs/security-policy.md", "Security policy", _VULNERABILITIES)
POLICY_IN_ENGLISH = Page(
    "security-policy", "SECURITY.md", "Security policy", _VULNERABILITIES, "en"
)

PAGES = (
    *GUIDES,
    TERMS,
    PRIVACY,
    POLICY,
    QUICK_START,
    AGENTS_IN_ENGLISH,
    COMPATIBILITY_IN_ENGLISH,
    TOPPING_UP_IN_ENGLISH,
    TERMS_IN_ENGLISH,
    PRIVACY_IN_ENGLISH,
    POLICY_IN_ENGLISH,
)
OTHER_FILES = {"docs/README.md": "/docs/", "docs/openapi.json": "/v1/openapi.json"}
"""What the sources link to and the site shows in another form."""

_BY_FILE = {page.file: page for page in PAGES}
_BY_ADDRESS = {page.address: page for page in PAGES}


def page_at(address: str) -> Page | None:
    return _BY_ADDRESS.get(address)


def twin(page: Page) -> Page | None:
    """Return the same page in the other language, where there is one."""
    return next((other for other in PAGES if other.slug == page.slug and other is not page), None)


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """Return the guides before and after one."""
    if page not in GUIDES:
        return None, None
    at = GUIDES.index(page)
    return (GUIDES[at - 1] if at else None), (GUIDES[at + 1] if at + 1 < len(GUIDES) else None)


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
