"""YooKassa's payments, as a server on loopback that a test tells what happens to them.

https://yookassa.ru/developers/api#payment, and for saved methods
https://yookassa.ru/developers/payment-acceptance/scenario-extensions/recurring-payments/basics
"""

import base64
import json
import threading
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SHOP_ID, SECRET_KEY = "1234567", "test_secret-of-the-shop"

JSONObject = dict[str, Any]


class PaymentAPI:
    """The shop's payments. `asked` counts the requests by method and path, `failures` await their turn.

    So do `declines`, the reasons for which payments with a saved method are cancelled; `is_slow` leaves
    those pending. `saves_methods` is what a shop must have agreed with YooKassa. `refusal` is the
    parameter for which every payment is refused.
    """

    def __init__(self) -> None:
        self.payments: dict[str, JSONObject] = {}
        self.unreadable: dict[str, bytes] = {}
        self.refunds: dict[str, JSONObject] = {}
        self.bodies: list[JSONObject] = []
        self.page_items = 100
        self.asked: Counter[str] = Counter()
        self.failures: list[int] = []
        self.declines: list[str] = []
        self.methods: dict[str, JSONObject] = {}
        self.saves_methods, self.is_slow = True, False
        self.refusal = ""
        self.recipient = {"account_id": SHOP_ID, "gateway_id": "2000001"}
        self.lock = threading.Lock()
        self._by_key: dict[str, str] = {}
        api = self

        class Handler(_PaymentApiHandler):
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
        """Create a payment; the same key answers with the same one. Raises Refused."""
        self.bodies.append(body)
        if key in self._by_key:
            return self.payments[self._by_key[key]]
        if self.refusal:
            raise Refused(400, "invalid_request", self.refusal)
        method_id = body.get("payment_method_id")
        if method_id is not None and method_id not in self.methods:
            raise Refused(400, "invalid_request", "payment_method_id")
        if not self.saves_methods and (method_id or body.get("save_payment_method")):
            raise Refused(403, "forbidden")
        if method_id is None and "confirmation" not in body:
            raise Refused(400, "invalid_request", "confirmation")
        identity = str(uuid.uuid4())
        page = f"https://yoomoney.example/checkout/payments/v2/contract?orderId={identity}"
        self._by_key[key] = identity
        self.payments[identity] = {
            "id": identity,
            "status": "pending",
            "amount": body["amount"],
            "description": body.get("description", ""),
            "recipient": self.recipient,
            "created_at": "2026-01-01T00:00:00.000Z",
            "confirmation": {"type": "redirect", "confirmation_url": page},
            "test": True,
            "paid": False,
            "refundable": False,
            "metadata": body.get("metadata", {}),
        }
        if method_id is not None:
            self._charge(identity, self.methods[method_id])
        elif body.get("save_payment_method"):
            method = {"type": "bank_card", "id": identity, "saved": False}
            self.payments[identity]["payment_method"] = method
        return self.payments[identity]

    def _charge(self, identity: str, method: JSONObject) -> None:
        """Take the money by a saved method, which asks nobody, or decline to."""
        payment = self.payments[identity]
        payment.pop("confirmation")
        payment["payment_method"] = method
        if self.declines:
            self.cancel(identity, party="payment_network", reason=self.declines.pop(0))
        elif not self.is_slow:
            self.pay(identity)

    def pay(self, identity: str) -> None:
        """Have the person pay."""
        self.payments[identity] |= {"status": "succeeded", "paid": True, "refundable": True}
        self.payments[identity].pop("confirmation", None)
        method = self.payments[identity].get("payment_method")
        if method is not None:
            card = {
                "first6": "555555",
                "last4": "4444",
                "expiry_year": "2030",
                "expiry_month": "07",
            }
            card |= {"card_type": "MasterCard", "issuer_country": "RU"}
            method |= {"saved": True, "title": "Bank card *4444", "card": card}
            self.methods[method["id"]] = method

    def cancel(
        self, identity: str, *, party: str = "yoo_money", reason: str = "expired_on_confirmation"
    ) -> None:
        """Have the person give up, or whoever else declines."""
        details = {"party": party, "reason": reason}
        change = {"status": "canceled", "paid": False, "cancellation_details": details}
        self.payments[identity] |= change

    def refund(self, identity: str, value: str, **forged: Any) -> str:
        """Have the shop give a part back; return the refund's id."""
        refund_id = str(uuid.uuid4())
        self.refunds[refund_id] = {
            "id": refund_id,
            "payment_id": identity,
            "status": "succeeded",
            "created_at": "2026-01-01T00:00:00.000Z",
            "amount": {"value": value, "currency": "RUB"},
        } | forged
        return refund_id

    def create_refund(self, key: str, body: JSONObject) -> JSONObject:
        """Give back what is asked for; the same key answers with the same refund."""
        self.bodies.append(body)
        if key not in self._by_key:
            self._by_key[key] = self.refund(body["payment_id"], body["amount"]["value"])
        return self.refunds[self._by_key[key]]

    def refund_notice(self, refund_id: str, **forged: Any) -> bytes:
        """Return the notice of a refund, or what somebody pretends."""
        thing = self.refunds.get(refund_id, {"id": refund_id}) | forged
        event = "refund.succeeded"
        return json.dumps({"type": "notification", "event": event, "object": thing}).encode()

    def refund_page(self, query: str) -> JSONObject:
        """Return a page of the list of refunds."""
        first = int(parse_qs(query).get("cursor", ["0"])[0])
        items = list(self.refunds.values())
        page = {"type": "list", "items": items[first : first + self.page_items]}
        after = first + self.page_items
        return page | ({"next_cursor": str(after)} if after < len(items) else {})

    def notice(self, identity: str, **forged: Any) -> bytes:
        """Return the notice of a payment as it stands, or as somebody pretends."""
        thing = self.payments.get(identity, {"id": identity, "status": "succeeded"}) | forged
        event = f"payment.{thing['status']}"
        return json.dumps({"type": "notification", "event": event, "object": thing}).encode()


class Refused(Exception):
    """The shop makes no payment of such a request; `parameter` is what is wrong with it."""

    def __init__(self, status: int, code: str, parameter: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.parameter = status, code, parameter


class _PaymentApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    payments: PaymentAPI

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.payments.lock:
            if self._is_stranger():
                return
            key = self.headers.get("Idempotence-Key", "")
            if self.path not in ("/v3/payments", "/v3/refunds") or not key:
                self._answer(400, _error("invalid_request"))
                return
            try:
                is_refund = self.path == "/v3/refunds"
                create = self.payments.create_refund if is_refund else self.payments.create
                created = create(key, body)
            except Refused as refused:
                error = _error(refused.code)
                if refused.parameter:
                    error["parameter"] = refused.parameter
                self._answer(refused.status, error)
                return
            if not self._fails():
                self._answer(200, created)

    def do_GET(self) -> None:
        with self.payments.lock:
            if self._is_stranger() or self._fails():
                return
            parts = urlsplit(self.path)
            kind, _, identity = parts.path.removeprefix("/v3/").partition("/")
            if (kind, identity) == ("refunds", ""):
                self._answer(200, self.payments.refund_page(parts.query))
                return
            if (kind, identity) == ("payments", ""):
                newest = list(self.payments.payments.values())[-1:]
                self._answer(200, {"type": "list", "items": newest})
                return
            if text := self.payments.unreadable.get(identity):
                self._write(200, text)
                return
            found = getattr(self.payments, kind).get(identity)
            self._answer(*((200, found) if found else (404, _error("not_found"))))

    def _is_stranger(self) -> bool:
        self.payments.asked[f"{self.command} {self.path.partition('?')[0]}"] += 1
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
        self._write(status, json.dumps(document).encode())

    def _write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def _error(code: str) -> JSONObject:
    return {"type": "error", "id": str(uuid.uuid4()), "code": code, "description": code}
