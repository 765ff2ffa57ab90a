"""People in front of the service's pages: in a language, in a theme, with a keyboard or a mouse."""

import pathlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils import translation
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.accounts.smtp_server import smtp_server
from tests.billing.payment_api import SECRET_KEY, SHOP_ID
from tests.browser.elsewhere import Shop, elsewhere
from tests.browser.guards import Guard
from tests.browser.mailbox import Mailbox
from tests.live.service import Service, serve

PATIENCE_MS = 60_000
PASSWORD = "correct horse battery"

expect.set_options(timeout=PATIENCE_MS)


@dataclass(slots=True)
class Site:
    """The running service with what stands around it: mails, payments, a site of somebody else's."""

    service: Service
    mailbox: Mailbox
    shop: Shop
    elsewhere: str

    @property
    def host(self) -> str:
        return f"localhost:{self.service.port}"

    @property
    def url(self) -> str:
        """Return where people reach it, as its mails and its OAuth metadata say."""
        return f"http://{self.host}"


@contextmanager
def open_site(store: str, directory: pathlib.Path) -> Iterator[Site]:
    with (
        elsewhere() as other,
        smtp_server() as (port, mails),
        closing(Shop(other)) as shop,
        serve(
            store,
            directory,
            EMAIL_URL=f"smtp://127.0.0.1:{port}",
            SUPPORT_EMAIL="help@example.ru",
            TRUSTED_PROXIES="127.0.0.1/32",
            YOOKASSA_SHOP_ID=SHOP_ID,
            YOOKASSA_SECRET_KEY=SECRET_KEY,
            YOOKASSA_BASE_URL=shop.url,
        ) as service,
    ):
        yield Site(service, Mailbox(port, mails), shop, other)


@dataclass(slots=True)
class Visitor:
    """One person's browser. Words are given in English and sought in the visitor's language.

    `clicks` counts what they pressed with the mouse.
    """

    site: Site
    context: BrowserContext
    guard: Guard
    page: Page
    language: str
    clicks: int = field(default=0)

    def say(self, words: str) -> str:
        """Return an English text of the pages as this visitor reads it."""
        with translation.override(self.language):
            return translation.gettext(words)

    def open(self, address: str) -> None:
        """Go to a path, or an address, as by typing it."""
        self.page.goto(address)

    def follow_mail(self, email: str, path: str) -> None:
        """Press the link to such a path in the last mail."""
        self.open(self.site.mailbox.link(email, path))
        self.clicks += 1

    def found(self, role: Any, name: str) -> Locator:
        """Return the first thing in the page's main part that is called so."""
        main = self.page.get_by_role("main")
        return main.get_by_role(role, name=self.say(name), exact=True).first

    def press(self, name: str) -> None:
        self.found("button", name).click()
        self.clicks += 1

    def follow(self, name: str) -> None:
        self.found("link", name).click()
        self.clicks += 1

    def tick(self, name: re.Pattern[str]) -> None:
        self.page.get_by_role("checkbox", name=name).click()
        self.clicks += 1

    def fill(self, label: str, text: str) -> None:
        """Write into a field."""
        self.page.get_by_label(self.say(label), exact=True).fill(text)

    def sees(self, text: str) -> None:
        """Wait until a text stands in the page's main part."""
        expect(self.page.get_by_role("main")).to_contain_text(text)

    @property
    def path(self) -> str:
        """Return the path that the browser shows."""
        return urlsplit(self.page.url).path

    def is_at(self, path: str) -> None:
        """Wait until the browser has come to a path."""
        self.page.wait_for_url(lambda address: urlsplit(address).path == path)

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Fill in the form of log-in, which is open."""
        self.fill("E-mail", email)
        self.fill("Password", password)
        self.press("Log in")

    def log_out(self) -> None:
        """Press the button of the account's menu."""
        self.page.locator(".account-menu > summary").click()
        self.page.get_by_role("button", name=self.say("Log out"), exact=True).last.click()


@contextmanager
def visit(
    browser: Browser, site: Site, *, language: str = "ru", **options: Any
) -> Iterator[Visitor]:
    """Open a browser context of its own; what its guard found fails the test at the end."""
    context = browser.new_context(
        locale={"ru": "ru-RU", "en": "en-GB"}[language], base_url=site.url, **options
    )
    context.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    guard = Guard(context, site.host, site.elsewhere)
    try:
        yield Visitor(site, context, guard, context.new_page(), language)
        assert not guard.found, "\n".join(guard.found)
    finally:
        context.close()
