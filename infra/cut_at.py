"""A connection that is cut at a deadline: the time-outs of a socket count from byte to byte."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

LATER_S = 0.01
"""By so much is it cut too late, lest its reader finds the deadline not yet come: timers may be early."""


@contextlib.contextmanager
def cut_at(deadline_s: float, connected: socket.socket) -> Iterator[None]:
    """Shut the connection down at `deadline_s` of `time.monotonic()`, whatever its reader waits for then."""
    same = connected.dup()  # TLS takes the socket itself over, and its state belongs to the reader

    def cut() -> None:
        with contextlib.suppress(OSError):
            same.shutdown(socket.SHUT_RDWR)

    left_s = max(0.0, deadline_s - time.monotonic())
    watchdog = threading.Timer(left_s + LATER_S, cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        same.close()
