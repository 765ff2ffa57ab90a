"""The client's socket, with a timeout, so that a client that stalls does not hold a worker forever."""

import contextlib
import socket

from django.http import HttpRequest

CLIENT_TIMEOUT_S = 30.0
"""The longest that one write of the answer may take."""


class client_socket:
    """The socket with its timeout set, within a `with`; None where the WSGI server does not expose it."""

    __slots__ = ("_client",)

    def __init__(self, request: HttpRequest) -> None:
        self._client: socket.socket | None = request.META.get("gunicorn.socket")

    def __enter__(self) -> socket.socket | None:
        if self._client is not None:
            self._client.settimeout(CLIENT_TIMEOUT_S)
        return self._client

    def __exit__(self, *failure: object) -> None:
        # The connection is kept alive: the server has timeouts of its own for the next request.
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.settimeout(None)
