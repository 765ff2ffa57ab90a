"""YooKassa's payments, as a server on loopback that a test tells what happens to them.

https://yookassa.ru/developers/api#payment
"""

import base64
import json
import threading
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHOP_ID, SECRET_KEY = "1234567", "test_secret-of-the-shop"

JSONObject = dict[str, Any]


class PaymentAPI:
    """The shop's payments. `asked` counts the requests by method and path, `failures` await their turn."""

    def __init__(self) -> None:
        self.payments: dict[str, JSONObject] = {}
        self.asked: Counter[str] = Counter()
        self.failures: list[int] = []
        self.lock = threading.Lock()
        self._by_key: dict[str, str] = {}
        api = self

        class Handler(_Handler):
            payments = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v3"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(self, key: str, body: JSONObject) -> JSONObject:
        """Create a payment; the same key answers with the same one."""
        if key in self._by_key:
            return self.payments[self._by_key[key]]
        identity = str(uuid.uuid4())
        page = f"https://yoomoney.example/checkout/payments/v2/contract?orderId={identity}"
        self._by_key[key] = identity
        self.payments[identity] = {
            "id": identity,
            "status": "pending",
            "amount": body["amount"],
            "description": body.get("description", ""),
            "recipient": {"account_id": SHOP_ID, "gateway_id": "2000001"},
            "created_at": "2026-01-01T00:00:00.000Z",
            "confirmation": {"type": "redirect", "confirmation_url": page},
            "test": True,
            "paid": False,
            "refundable": False,
            "metadata": body.get("metadata", {}),
        }
        return self.payments[identity]

    def pay(self, identity: str) -> None:
        """Have the person pay."""
        self.payments[identity] |= {"status": "succeeded", "paid": True, "refundable": True}
        self.payments[identity].pop("confirmation", None)

    def cancel(self, identity: str) -> None:
        """Have the person give up."""
        details = {"party": "yoo_money", "reason": "expired_on_confirmation"}
        change = {"status": "canceled", "paid": False, "cancellation_details": details}
        self.payments[identity] |= change

    def notice(self, identity: str, **forged: Any) -> bytes:
        """Return the notice of a payment as it stands, or as somebody pretends."""
        thing = self.payments.get(identity, {"id": identity, "status": "succeeded"}) | forged
        event = f"payment.{thing['status']}"
        return json.dumps({"type": "notification", "event": event, "object": thing}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    payments: PaymentAPI

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.payments.lock:
            if self._is_stranger():
                return
            key = self.headers.get("Idempotence-Key", "")
            if self.path != "/v3/payments" or not key:
                self._answer(400, _error("invalid_request"))
                return
            created = self.payments.create(key, body)
            if not self._fails():
                self._answer(200, created)

    def do_GET(self) -> None:
        with self.payments.lock:
            if self._is_stranger() or self._fails():
                return
            found = self.payments.payments.get(self.path.removeprefix("/v3/payments/"))
            self._answer(*((200, found) if found else (404, _error("not_found"))))

    def _is_stranger(self) -> bool:
        self.payments.asked[f"{self.command} {self.path}"] += 1
        credentials = base64.b64encode(f"{SHOP_ID}:{SECRET_KEY}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {credentials}":
            return False
        self._answer(401, _error("invalid_credentials"))
        return True

    def _fails(self) -> bool:
        """Fail as it was told to: with a status, or with 0 by an answer that is lost on its way."""
        if not self.payments.failures:
            return False
        status = self.payments.failures.pop(0)
        if status:
            self._answer(status, _error("internal_server_error"))
        else:
            self.close_connection = True
        return True

    def _answer(self, status: int, document: JSONObject) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def _error(code: str) -> JSONObject:
    return {"type": "error", "id": str(uuid.uuid4()), "code": code, "description": code}
