"""What must hold of a service whatever it is sent: a running one, its answers counted, and a verdict."""

import contextlib
import json
import pathlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.live.callers import events_in, parsed
from tests.live.outages import serve_with_own_stores
from tests.live.service import Service

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
CANARY = "canary-3f9c1d7b"
"""Stands in prompts and fields of bodies; no log may have it."""

MODELS = ("gigachat-pro", "yandexgpt", "qwen3-235b-a22b-fp8", "aliceai-llm-flash", "xrouter/auto")
HANG_S = 60
WELL_S = 90
SHOWN_FAILURES = 20
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_DOCUMENTED = ("The model was asked twice", "meets the demands of `provider`")
"""How a model's own inability is told, a 502, and demands that no provider meets, a 503."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it goes over the socket.

    `provokes`: a provider is made to fail by it. `leaves`: its client goes at the first byte of the answer.
    `ends`: the client says that nothing more will come, as one does whose body is cut.
    """

    kind: str
    raw: bytes
    provokes: bool = False
    leaves: bool = False
    ends: bool = False


def http_request(
    method: str, path: str, key: str, body: bytes | None = None, *headers: str
) -> bytes:
    """Write a well-framed request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if not any(line.lower().startswith("authorization:") for line in headers):
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        if not any(line.lower().startswith("content-type:") for line in headers):
            lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (body or b"")


@dataclass
class Robustness:
    """The answers of one service so far."""

    service: Service
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_providers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def send(self, sent: Sent) -> None:
        """Send a request and judge its answer."""
        try:
            raw = self._answer_to(sent)
        except TimeoutError:
            self._note(sent, "no end", f"no end of the answer within {HANG_S} s")
            return
        except OSError:
            raw = b""
        found = _STATUS.match(raw)
        status = found[1].decode() if found else "closed"
        code, message, raw_refusal = _error_in(raw) if found else ("", "", "")
        is_excused = (
            (status, code) == ("503", "overloaded")
            or any(words in message for words in _DOCUMENTED)
            or (sent.provokes and status in ("502", "503", "504"))
        )
        is_error = found is not None and status >= "500"
        is_failure = code == "internal_error" or (is_error and not is_excused)
        if raw_refusal and status == "400":
            with self._lock:
                self.by_providers[raw_refusal[:200]] += 1
        fault = f"{status} {code} {message[:300]}" if is_failure else None
        self._note(sent, f"{status} {code}".strip(), fault)

    def _answer_to(self, sent: Sent) -> bytes:
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=HANG_S) as client:
            with contextlib.suppress(ConnectionError):  # refused before the whole was read
                client.sendall(sent.raw)
                if sent.ends:
                    client.shutdown(socket.SHUT_WR)
            pieces: list[bytes] = []
            with contextlib.suppress(ConnectionError):
                while piece := client.recv(65536):
                    pieces.append(piece)
                    if sent.leaves:
                        break
            return b"".join(pieces).removeprefix(_CONTINUE)

    def _note(self, sent: Sent, status: str, fault: str | None) -> None:
        with self._lock:
            self.statuses[sent.kind, status] += 1
            if fault is not None:
                self.failures.append(f"{sent.kind}: {fault}\n    {sent.raw[:2000]!r}")

    def judge_service(self, key: str, workers: list[int]) -> None:
        """Look that the service is as well as before, its books are right, and its log bears no secret."""
        with self.service.http(key) as http:
            if (health := http.get("/health/ready")).status_code != 200:
                self.failures.append(f"afterwards not ready: {health.text}")
            for model in MODELS:
                body = {"model": model, "messages": [{"role": "user", "content": "Привет"}]}
                give_up_s = time.monotonic() + WELL_S  # a provider may have been made to fail
                while (answer := http.post("/v1/chat/completions", json=body)).status_code != 200:
                    if time.monotonic() > give_up_s:
                        self.failures.append(f"afterwards {model} answers {answer.text}")
                        break
                    time.sleep(1)
        if self.service.workers() != workers:
            self.failures.append("a worker has died meanwhile")
        self.service.audit()
        log = self.service.log.read_text(encoding="utf-8", errors="replace")
        for secret in (CANARY, *self.service.keys.values()):
            if secret in log:
                line = next(line for line in log.splitlines() if secret in line)
                self.failures.append(f"the log bears {secret[:12]}…: {line[:500]}")

    def tell(self, headline: str) -> int:
        """Print the figures; return the status to exit with."""
        for (kind, status), number in sorted(self.statuses.items()):
            print(f"{kind:28} {status:44} {number:7}")
        by_status: Counter[str] = Counter()
        for (_, status), number in self.statuses.items():
            by_status[status.partition(" ")[0]] += number
        print("all: " + ", ".join(f"{status} × {n}" for status, n in sorted(by_status.items())))
        for refusal, number in self.by_providers.most_common(SHOWN_FAILURES):
            print(f"refused by a provider × {number}: {refusal}")
        print(f"{headline}: {self.total} requests, {len(self.failures)} failures")
        for failure in self.failures[:SHOWN_FAILURES]:
            print(f"  {failure}")
        return 1 if self.failures else 0


def _error_in(raw: bytes) -> tuple[str, str, str]:
    """Return code and message of the answer's error, and what a provider said, each "" where there is none."""
    answer = parsed(raw)
    with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError):
        errors: list[Any] = (
            [event["error"] for event in events_in(answer.body) if "error" in event]
            if answer.headers.get("content-type", "").startswith("text/event-stream")
            else [answer.json["error"]]
        )
        if errors:
            error = errors[-1]
            metadata = error.get("metadata") or {}
            raw_refusal = metadata.get("raw") or ""
            return str(error.get("code", "")), str(error.get("message", "")), str(raw_refusal)
    return "", "", ""


@contextlib.contextmanager
def running() -> Iterator[Robustness]:
    """Serve by gunicorn over a PostgreSQL and a Redis of its own, with two workers."""
    with serve_with_own_stores(
        WEB_CONCURRENCY="2",
        YOOKASSA_SHOP_ID="1",  # no payment is known, so the shop itself is never asked
        YOOKASSA_SECRET_KEY="of-the-bench",
        YOOKASSA_WEBHOOK_NETWORKS="127.0.0.0/8",
    ) as (service, _, _):
        service.sandbox.settings.interval_s = 0
        yield Robustness(service)
