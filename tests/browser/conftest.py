"""One service for a worker and one Chromium for a module; a picture of the page where a test fails."""

import pathlib
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.furnished import RESIDENT, Furnished, furnish
from tests.browser.visitors import Site, Visitor, open_site, visit

PICTURES = pathlib.Path(tempfile.gettempdir()) / "xrouter-browser-failures"

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session", autouse=True)
def _template(django_db_setup: None) -> None:
    """See that there is a database for services to have copies of."""


@pytest.fixture(scope="session")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with open_site(request.config.option.store, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def resident(site: Site) -> Furnished:
    """Return a person who has been here for long."""
    return furnish(site, RESIDENT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser that ends with the module: Playwright's loop keeps Django's tables shut."""
    with chromium.launch() as browser:
        yield browser


@pytest.fixture
def new_visitor(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Visit]:
    """Return how to bring in one more person; the guards of all are asked at the end."""
    with ExitStack() as stack:
        brought: list[Visitor] = []

        def bring(**options: Any) -> Visitor:
            brought.append(stack.enter_context(visit(browser, site, **options)))
            return brought[-1]

        yield bring
        if getattr(request.node, "has_failed", False):
            _take_pictures(request.node.name, brought)


@pytest.fixture
def visitor(new_visitor: Visit) -> Visitor:
    """Return a stranger whose browser speaks Russian."""
    return new_visitor()


@pytest.fixture
def at_home(new_visitor: Visit, site: Site, resident: Furnished) -> Visitor:
    """Return the resident, logged in."""
    visitor = new_visitor()
    cookie = {"name": "sessionid", "value": resident.session, "url": site.url}
    visitor.context.add_cookies([cookie])  # type: ignore[list-item]
    return visitor


SEAT = """
    from accounts.models import User
    from django.test import Client
    from tests.accounts.operators import seat
    operator = User.objects.create_superuser("operator@example.com", "correct horse battery")
    print(seat(Client(SERVER_NAME="localhost"), operator).cookies["sessionid"].value)
"""


@pytest.fixture(scope="session")
def operator_session(site: Site) -> str:
    """Return the session of an operator who has given their second factor."""
    return site.service.python(SEAT).strip()


@pytest.fixture
def operator(new_visitor: Visit, site: Site, operator_session: str) -> Visitor:
    """Return an operator, logged in."""
    visitor = new_visitor()
    cookie = {"name": "sessionid", "value": operator_session, "url": site.url}
    visitor.context.add_cookies([cookie])  # type: ignore[list-item]
    return visitor


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        item.has_failed = True  # type: ignore[attr-defined]
        report.sections.append(("Pictures of the pages", str(PICTURES)))
    return report


def _take_pictures(name: str, visitors: list[Visitor]) -> None:
    PICTURES.mkdir(exist_ok=True)
    for number, item in enumerate(visitors):
        path = PICTURES / f"{name.replace('/', '-')}-{number}.png"
        item.page.screenshot(path=path, full_page=True)
