"""The client's own socket, as the WSGI server lends it: no silence on it may hold us for ever."""

import contextlib
import socket
from collections.abc import Iterator

from django.http import HttpRequest

CLIENT_TIMEOUT_S = 30.0
"""How long a client may send no byte of its body, or read no byte of its answer."""


@contextlib.contextmanager
def client_socket(request: HttpRequest) -> Iterator[socket.socket | None]:
    """Yield the socket with its timeout set; None under a server that lends none."""
    client: socket.socket | None = request.META.get("gunicorn.socket")
    if client is None:
        yield None
        return
    client.settimeout(CLIENT_TIMEOUT_S)
    try:
        yield client
    finally:
        # The server waits for the next request on this connection in its own time.
        with contextlib.suppress(OSError):
            client.settimeout(None)
