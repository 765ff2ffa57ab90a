"""Plain ways to ask an HttpClient, for tests of what it does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.providers._shared.http_client import Deadline, HttpClient, HttpResponse, drain
from gateway.providers.base import Abort
from gateway.providers.chat_types import ChatChunk
from gateway.providers.tick import Tick
from tests.providers.canned import CannedRequest, Step

HANG_S = 60.0


class WatchedCancelToken(Deadline):
    """A cancel token that remembers what it holds."""

    def __init__(self, timeout_s: float = HANG_S) -> None:
        super().__init__(timeout_s)
        self.abort: Abort | None = None
        self.unbound = 0

    def bind(self, abort: Abort) -> None:
        self.abort = abort

    def unbind(self) -> None:
        self.unbound += 1


OpenClient = Callable[..., HttpClient]


def always(*steps: Step) -> Callable[[CannedRequest], Sequence[Step]]:
    return lambda _: steps


def send(
    client: HttpClient,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: bytes = b"{}",
    cancel_token: Deadline | None = None,
) -> HttpResponse:
    """POST and give the answer once its head is there."""
    return drain(
        client.send(
            "POST",
            "/ask",
            headers=headers,
            body=body,
            cancel_token=cancel_token or Deadline(HANG_S),
        )
    )


def chunks_in(steps: Iterable[Tick | ChatChunk]) -> list[ChatChunk]:
    """Leave the ticks out."""
    return [step for step in steps if isinstance(step, ChatChunk)]


def fetch(client: HttpClient, **options: Any) -> bytes:
    response = send(client, **options)
    try:
        return drain(response.read())
    finally:
        response.close()


def read_lines(client: HttpClient) -> list[bytes]:
    response = send(client)
    try:
        return [line for line in response.lines() if isinstance(line, bytes)]
    finally:
        response.close()
