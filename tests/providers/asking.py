"""Plain ways to ask an HttpClient, for tests of what it does."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.providers.base import Abort
from gateway.providers.http_client import Countdown, HttpClient, HttpResponse, run_out
from tests.providers.canned import Request, Step

HANG_S = 20.0


class Watched(Countdown):
    """A lifeline that remembers what it holds."""

    def __init__(self, timeout_s: float = HANG_S) -> None:
        super().__init__(timeout_s)
        self.abort: Abort | None = None
        self.detached = 0

    def attach(self, abort: Abort) -> None:
        self.abort = abort

    def detach(self) -> None:
        self.detached += 1


OpenClient = Callable[..., HttpClient]


def always(*steps: Step) -> Callable[[Request], Sequence[Step]]:
    return lambda _: steps


def send(
    client: HttpClient,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: bytes = b"{}",
    lifeline: Countdown | None = None,
) -> HttpResponse:
    """POST and give the answer once its head is there."""
    return run_out(
        client.send(
            "POST", "/ask", headers=headers, body=body, lifeline=lifeline or Countdown(HANG_S)
        )
    )


def fetch(client: HttpClient, **options: Any) -> bytes:
    response = send(client, **options)
    try:
        return run_out(response.read())
    finally:
        response.close()


def read_lines(client: HttpClient) -> list[bytes]:
    response = send(client)
    try:
        return [line for line in response.lines() if line is not None]
    finally:
        response.close()
