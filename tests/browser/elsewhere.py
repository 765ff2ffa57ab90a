"""A site of somebody else's, on loopback: where people pay, where an application waits for its code."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.billing.payment_api import JSONObject, PaymentAPI

PAGE = b"<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1></html>"


class _ElsewhereHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def elsewhere() -> Iterator[str]:
    """Serve a page at every path and yield the host with its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _ElsewhereHandler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Shop(PaymentAPI):
    """The payment provider, with a page to pay at that a browser can reach."""

    def __init__(self, page_host: str) -> None:
        super().__init__()
        self._page_host = page_host

    def create(self, key: str, body: JSONObject) -> JSONObject:
        payment = super().create(key, body)
        if "confirmation" in payment:
            page = f"http://{self._page_host}/pay?orderId={payment['id']}"
            payment["confirmation"]["confirmation_url"] = page
        return payment
