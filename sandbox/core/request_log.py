"""What the sandbox was asked and what it said: the record that tests read afterwards."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from sandbox.core.exchange import ProviderName, Reported, SandboxRequest
from sandbox.core.multipart import NotMultipart, parse_form

_KEPT_REQUESTS = 5000


@dataclass(slots=True)
class RecordedRequest:
    """A request, filled in while it is answered. Times are Unix seconds.

    `body` is the parsed JSON or form (an uploaded file as its name, type and size), None where
    it is neither. `usage` is what the answer has named so far, `events` how many pieces of the
    body were written. `finished` says that the whole answer was written, be it a wrong one.
    """

    provider: ProviderName
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    request_id: str
    started_at: float = field(default_factory=time.time)
    status: int | None = None
    usage: Reported | None = None
    events: int = 0
    closed_by_client_at: float | None = None
    finished: bool = False


class RequestLog:
    """The latest requests, oldest first; safe to read while others are served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RecordedRequest] = deque(maxlen=_KEPT_REQUESTS)

    def record(self, provider: ProviderName, request: SandboxRequest) -> RecordedRequest:
        """Add a request that has just arrived."""
        recorded = RecordedRequest(
            provider,
            request.method,
            request.path,
            request.headers,
            _parsed_body(request),
            request.request_id,
        )
        with self._lock:
            self._requests.append(recorded)
        return recorded

    def of(self, provider: ProviderName, path_part: str = "") -> list[RecordedRequest]:
        """Return the requests to one provider whose path contains that part."""
        return [
            request
            for request in self
            if request.provider == provider and path_part in request.path
        ]

    def usage(self) -> dict[str, Reported]:
        """Return the usage that was reported, by request id."""
        return {request.request_id: request.usage for request in self if request.usage is not None}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()

    def __iter__(self) -> Iterator[RecordedRequest]:
        with self._lock:
            return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def __getitem__(self, index: int) -> RecordedRequest:
        with self._lock:
            return self._requests[index]


def _parsed_body(request: SandboxRequest) -> Any:
    try:
        match request.media_type:
            case "application/json":
                return request.json()
            case "application/x-www-form-urlencoded":
                return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            case "multipart/form-data":
                parts = parse_form(request.headers["content-type"], request.body)
                return {part.name: part.described() for part in parts}
    except (ValueError, RecursionError, NotMultipart):
        pass
    return None
