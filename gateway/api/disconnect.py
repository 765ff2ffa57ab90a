"""Detect that a client has disconnected while nothing is being written to it: its socket reads as ended.

With threads, one thread in each process waits on all sockets by a selector. Under gevent each socket has
a watcher in the event loop, and no greenlet: its stack would be half of what a stream keeps in memory.
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

logger = logging.getLogger(__name__)

_READABLE = 1
"""An event of gevent's loop."""


class DisconnectWatch(Protocol):
    """A socket that is being watched. `stop` may be called more than once."""

    def stop(self) -> None: ...


def watch(client: socket.socket, on_disconnect: Callable[[], None]) -> DisconnectWatch:
    """Call `on_disconnect` once, from another thread, when `client` closes its side."""
    if gevent.monkey.is_module_patched("socket"):
        return _LoopWatch(client, on_disconnect)
    return _selector_thread().add(client, on_disconnect)


def _has_left(client: socket.socket) -> bool:
    """Return whether the socket reads as ended. Bytes of a pipelined request do not count."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class _LoopWatch:
    def __init__(self, client: socket.socket, on_disconnect: Callable[[], None]) -> None:
        self._client = client
        self._on_disconnect = on_disconnect
        self._watcher = None
        descriptor = client.fileno()
        if descriptor < 0:
            on_disconnect()
            return
        self._watcher = gevent.get_hub().loop.io(descriptor, _READABLE)
        self._watcher.start(self._readable)

    def _readable(self) -> None:
        """Look, in the loop itself, where nothing may wait."""
        self.stop()
        if _has_left(self._client):
            gevent.spawn(self._on_disconnect)

    def stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()


class _SelectorThread:
    """A daemon thread that waits on all watched sockets; a pipe wakes it when their set changes."""

    def __init__(self) -> None:
        self.process_id = os.getpid()
        self._lock = threading.Lock()
        self._changes: list[Callable[[], None]] = []
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._selector.register(self._reader, selectors.EVENT_READ)
        threading.Thread(target=self._run, name="disconnect", daemon=True).start()

    def add(self, client: socket.socket, on_disconnect: Callable[[], None]) -> "DisconnectWatch":
        watched = _SelectorWatch(self, client, on_disconnect)
        self.change(watched.register)
        return watched

    def change(self, change: Callable[[], None]) -> None:
        with self._lock:
            self._changes.append(change)
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:
            return  # the pipe is full: the thread will wake anyway

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
        self, owner: _SelectorThread, client: socket.socket, on_disconnect: Callable[[], None]
    ) -> None:
        self._owner = owner
        self._client = client
        # Kept apart: after a close, the socket object does not know its descriptor any more.
        self._descriptor = client.fileno()
        self._on_disconnect = on_disconnect
        self._is_registered = False
        self._forgotten = threading.Event()

    def register(self) -> None:
        if self._descriptor >= 0 and not self._forgotten.is_set():
            self._owner.selector.register(self._descriptor, selectors.EVENT_READ, self)
            self._is_registered = True

    def readable(self) -> None:
        self._unregister()
        if not self._forgotten.is_set() and _has_left(self._client):
            self._on_disconnect()

    def stop(self) -> None:
        """Return once the thread has unregistered the descriptor, which may then be reused."""
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
    """Return this process's thread; a forked process starts its own."""
    global _thread
    with _thread_lock:
        if _thread is None or _thread.process_id != os.getpid():
            _thread = _SelectorThread()
        return _thread
