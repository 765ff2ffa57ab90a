"""Detect that a client has disconnected while nothing is being written to it.

The kernel is asked for the end of the other side alone, so that what a client sends ahead hides nothing. A
process has one set of the sockets that it watches. With threads one of them waits for the set; under gevent
the event loop does, and no greenlet, whose stack would be half of what a stream keeps in memory.
"""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable

import gevent
import gevent.monkey

from infra.short_lock import ShortLock

_READABLE = 1
"""An event of gevent's loop."""


class DisconnectWatch:
    """A socket that is being watched. `stop` may be called more than once."""

    __slots__ = ("_sockets", "descriptor", "on_disconnect")

    def __init__(
        self, sockets: "_WatchedSockets", descriptor: int, on_disconnect: Callable[[], None]
    ) -> None:
        self._sockets = sockets
        self.descriptor = descriptor
        """Kept apart: after a close, the socket object does not know it any more."""
        self.on_disconnect = on_disconnect

    def stop(self) -> None:
        self._sockets.remove(self)


def watch(client: socket.socket, on_disconnect: Callable[[], None]) -> DisconnectWatch:
    """Call `on_disconnect` once, from another thread, when `client` closes its side."""
    sockets = _watched_sockets()
    watched = DisconnectWatch(sockets, client.fileno(), on_disconnect)
    if watched.descriptor < 0:
        on_disconnect()
    else:
        sockets.add(watched)
    return watched


class _WatchedSockets:
    """The sockets of one process, by their descriptors, which are reused once a socket is closed."""

    def __init__(self) -> None:
        self.process_id = os.getpid()
        self._lock = ShortLock()
        self._watches: dict[int, DisconnectWatch] = {}
        if gevent.monkey.is_module_patched("select"):
            self._epoll = gevent.monkey.get_original("select", "epoll")()
            self._watcher = gevent.get_hub().loop.io(self._epoll.fileno(), _READABLE, ref=False)
            self._watcher.start(self._tell_by_greenlets)
        else:
            self._epoll = select.epoll()
            threading.Thread(target=self._run, name="disconnect", daemon=True).start()

    def add(self, watched: DisconnectWatch) -> None:
        with self._lock:
            self._epoll.register(watched.descriptor, select.EPOLLRDHUP)
            self._watches[watched.descriptor] = watched

    def remove(self, watched: DisconnectWatch) -> None:
        with self._lock:
            if self._watches.get(watched.descriptor) is watched:
                self._forget(watched.descriptor)

    def _taken(self) -> list[DisconnectWatch]:
        """Return those whose other side has closed, which are watched no longer."""
        with self._lock:
            # Asked under the lock: what was heard before it may be of a socket that is closed by now.
            return [self._forget(descriptor) for descriptor, _ in self._epoll.poll(0)]

    def _forget(self, descriptor: int) -> DisconnectWatch:
        with contextlib.suppress(OSError):  # closed already
            self._epoll.unregister(descriptor)
        return self._watches.pop(descriptor)

    def _tell_by_greenlets(self) -> None:
        """Take them in the event loop itself, where nothing may wait."""
        for watched in self._taken():
            gevent.spawn(watched.on_disconnect)

    def _run(self) -> None:
        while True:
            self._epoll.poll()
            for watched in self._taken():
                watched.on_disconnect()


_sockets: _WatchedSockets | None = None
_sockets_lock = threading.Lock()


def _watched_sockets() -> _WatchedSockets:
    """Return this process's; a forked process begins its own."""
    global _sockets
    with _sockets_lock:
        if _sockets is None or _sockets.process_id != os.getpid():
            _sockets = _WatchedSockets()
        return _sockets
