"""Notice that a client has left while nothing is being written to it: its socket reads as ended.

One watcher a process. With threads it is one thread over a selector; under gevent, where waiting costs
next to nothing and a selector cannot be changed while it waits, it is one greenlet a socket.
"""

import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Protocol

import gevent
import gevent.monkey
import gevent.socket

logger = logging.getLogger(__name__)


class Watch(Protocol):
    """What `watch` returns: `stop` ends the watching, and may be called more than once."""

    def stop(self) -> None: ...


def watch(client: socket.socket, on_departure: Callable[[], None]) -> Watch:
    """Call `on_departure` once, from another thread, when `client` has closed its side."""
    if gevent.monkey.is_module_patched("socket"):
        return _GreenletWatch(client, on_departure)
    return _selector_thread().add(client, on_departure)


def _has_left(client: socket.socket) -> bool:
    """Say whether the socket reads as ended; bytes of a next request are no departure."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class _GreenletWatch:
    def __init__(self, client: socket.socket, on_departure: Callable[[], None]) -> None:
        self._greenlet = gevent.spawn(self._wait, client, on_departure)

    @staticmethod
    def _wait(client: socket.socket, on_departure: Callable[[], None]) -> None:
        try:
            gevent.socket.wait_read(client.fileno())
        except (OSError, ValueError):
            on_departure()
            return
        if _has_left(client):
            on_departure()

    def stop(self) -> None:
        self._greenlet.kill(block=False)


class _SelectorThread:
    """A daemon thread that waits on all the watched sockets; a pipe wakes it when the set changes."""

    def __init__(self) -> None:
        self.process_id = os.getpid()
        self._lock = threading.Lock()
        self._changes: list[Callable[[], None]] = []
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._selector.register(self._reader, selectors.EVENT_READ)
        threading.Thread(target=self._run, name="departure", daemon=True).start()

    def add(self, client: socket.socket, on_departure: Callable[[], None]) -> "Watch":
        watched = _SelectorWatch(self, client, on_departure)
        self.change(watched.register)
        return watched

    def change(self, change: Callable[[], None]) -> None:
        with self._lock:
            self._changes.append(change)
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    @property
    def selector(self) -> selectors.BaseSelector:
        return self._selector

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._reader:
                    os.read(self._reader, 4096)
                else:
                    key.data.readable()
            with self._lock:
                changes, self._changes = self._changes, []
            for change in changes:
                change()


class _SelectorWatch:
    def __init__(
        self, owner: _SelectorThread, client: socket.socket, on_departure: Callable[[], None]
    ) -> None:
        self._owner = owner
        self._client = client
        # The number alone: the socket object may be closed, and its number reused, before we forget it.
        self._descriptor = client.fileno()
        self._on_departure = on_departure
        self._is_registered = False
        self._forgotten = threading.Event()

    def register(self) -> None:
        if self._descriptor >= 0 and not self._forgotten.is_set():
            self._owner.selector.register(self._descriptor, selectors.EVENT_READ, self)
            self._is_registered = True

    def readable(self) -> None:
        self._unregister()
        if not self._forgotten.is_set() and _has_left(self._client):
            self._on_departure()

    def stop(self) -> None:
        """Return when the thread watches the socket no more, so that its number can be used again."""
        if not self._forgotten.is_set():
            self._forgotten.set()
            done = threading.Event()

            def forget() -> None:
                self._unregister()
                done.set()

            self._owner.change(forget)
            done.wait(1)

    def _unregister(self) -> None:
        if self._is_registered:
            self._is_registered = False
            self._owner.selector.unregister(self._descriptor)


_thread: _SelectorThread | None = None
_thread_lock = threading.Lock()


def _selector_thread() -> _SelectorThread:
    """Return this process's thread; a fork does not inherit threads."""
    global _thread
    with _thread_lock:
        if _thread is None or _thread.process_id != os.getpid():
            _thread = _SelectorThread()
        return _thread
