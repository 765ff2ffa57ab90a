"""What no page of ours may do while anybody looks: an error in the console, a breach of the CSP,
a request that fails, a request to another host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

REPORT_BREACHES = """addEventListener("securitypolicyviolation", (breach) => {
  console.error(`CSP: ${breach.effectiveDirective} ${breach.blockedURI || "inline"}`);
});"""


class Guard:
    """Writes down what goes wrong in a browser context; `found` is what nobody expected."""

    def __init__(self, context: BrowserContext, *hosts: str) -> None:
        self.found: list[str] = []
        self._hosts = set(hosts)
        self._statuses: set[int] = set()
        context.add_init_script(REPORT_BREACHES)
        context.on("console", self._console)
        context.on("page", self._page)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    @contextmanager
    def expecting(self, status: int) -> Iterator[None]:
        """Take answers of this status for what they should be."""
        self._statuses.add(status)
        try:
            yield
        finally:
            self._statuses.remove(status)

    def _page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        # A status is judged where it comes, with its address.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.found.append(f"{message.location.get('url')}: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.netloc not in self._hosts:
            self.found.append(f"A request leaves for {address.netloc}: {request.url}")

    def _failed(self, request: Request) -> None:
        # Whoever leaves a page takes its requests back.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"{request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._statuses:
            self.found.append(f"{response.request.method} {response.url}: {response.status}")
