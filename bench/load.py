"""A load client on one epoll loop: requests in closed loops, requests or streams at a fixed rate.

A chunk's text is the monotonic clock in microseconds at which the upstream sent it: see `upstream.c`.
"""

import dataclasses
import heapq
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SENT_US = re.compile(rb'"content": ?"(\d{6,}) ?"')
_CODE = re.compile(rb'"code":"(\w+)"')
_END = b"data: [DONE]"
_TAIL = 512
READ_BYTES = 65_536


@dataclass
class Sample:
    """What one round measured; times in microseconds."""

    elapsed_us: float = 0
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    latencies_us: list[float] = field(default_factory=list)
    refusals_us: list[float] = field(default_factory=list)
    firsts_us: list[float] = field(default_factory=list)
    lags_us: list[float] = field(default_factory=list)
    gaps_us: list[float] = field(default_factory=list)
    chunks: int = 0

    @property
    def per_second(self) -> float:
        return self.answered / self.elapsed_us * 1e6

    def add(self, other: "Sample") -> None:
        """Take the figures of another round in."""
        for item in dataclasses.fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


def percentile_ms(values_us: Sequence[float], share: float) -> float:
    """Return the milliseconds below which `share` of the values lie."""
    ordered = sorted(values_us)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else -1


def _now_us() -> float:
    return time.monotonic_ns() / 1000


class _Connection:
    """One connection and the answer that is on its way over it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def send(self, request: bytes) -> None:
        self.sent_us = _now_us()
        self.last_us = 0.0
        self.data = b""
        self.is_head = True
        self.left: int | None = None
        self.status = self.code = ""
        self.chunks = 0
        self.is_open = True
        self.socket.send(request)


class Load:
    """Sends `requests` in turn to a port and gathers what came of them."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = cycle(requests)
        self._poll = select.epoll()
        self._busy: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []

    def closed(self, connections: int, seconds: float) -> Sample:
        """Keep so many requests on their way."""
        return self._run([0.0] * connections, seconds, is_closed=True, wait_s=10)

    def at_rate(self, per_second: float, seconds: float, *, wait_s: float = 10) -> Sample:
        """Send requests whatever becomes of those before, then wait for the answers."""
        due_us = [index / per_second * 1e6 for index in range(int(per_second * seconds))]
        return self._run(due_us, seconds, is_closed=False, wait_s=wait_s)

    def _run(
        self, due_us: list[float], seconds: float, *, is_closed: bool, wait_s: float
    ) -> Sample:
        sample = Sample()
        began_us = _now_us()
        until_us = began_us + seconds * 1e6
        waiting = [began_us + at_us for at_us in due_us]
        heapq.heapify(waiting)
        while waiting or self._busy:
            now_us = _now_us()
            if now_us > until_us + wait_s * 1e6:
                break
            while waiting and waiting[0] <= now_us:
                heapq.heappop(waiting)
                self._begin(sample)
            pause_s = max(0.0, (waiting[0] - now_us) / 1e6) if waiting else 0.2
            for descriptor, _ in self._poll.poll(min(pause_s, 0.2)):
                connection = self._busy[descriptor]
                if not self._read(connection, sample):
                    self._end(connection, sample)
                    if is_closed and _now_us() < until_us:
                        self._begin(sample)
            if is_closed and not self._busy:
                break
        sample.elapsed_us = _now_us() - began_us
        for connection in list(self._busy.values()):
            connection.status, connection.is_open = "late", False
            self._end(connection, sample)
        return sample

    def _begin(self, sample: Sample) -> None:
        try:
            connection = self._idle.pop() if self._idle else _Connection(self._port)
            connection.send(next(self._requests))
        except OSError:
            sample.failures["refused"] += 1
            return
        descriptor = connection.socket.fileno()
        self._busy[descriptor] = connection
        self._poll.register(descriptor, select.EPOLLIN)

    def _read(self, connection: _Connection, sample: Sample) -> bool:
        """Take what has come; say whether there is more to come."""
        try:
            data = connection.socket.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            connection.is_open = False
            return False
        now_us = _now_us()
        data = connection.data + data
        if connection.is_head:
            head, found, body = data.partition(b"\r\n\r\n")
            if not found:
                connection.data = data
                return True
            connection.is_head = False
            connection.status = head[9:12].decode()
            length = _LENGTH.search(head)
            connection.left = None if length is None else int(length[1])
            connection.is_open = b"\r\nconnection: close" not in head.lower()
            data = body
        if connection.left is not None:
            connection.left -= len(data)
            if connection.status != "200" and (code := _CODE.search(data)):
                connection.code = code[1].decode()
            return connection.left > 0
        sent_us = [int(at) for at in _SENT_US.findall(data)]
        if sent_us:
            if not connection.chunks:
                sample.firsts_us.append(now_us - connection.sent_us)
            else:
                sample.gaps_us.append(now_us - connection.last_us)
            connection.last_us = now_us
            connection.chunks += len(sent_us)
            sample.lags_us += [now_us - at for at in sent_us]
        is_ended = data.endswith(b"0\r\n\r\n")
        # An event may come in pieces: what follows the last whole one is looked at again.
        rest = data.rfind(b"\n\n") + 2
        connection.data = data[rest:] if rest > 1 else data[-_TAIL:]
        if _END in data or (not connection.chunks and is_ended):
            connection.left = 0
        return not is_ended

    def _end(self, connection: _Connection, sample: Sample) -> None:
        descriptor = connection.socket.fileno()
        self._poll.unregister(descriptor)
        del self._busy[descriptor]
        sample.chunks += connection.chunks
        elapsed_us = _now_us() - connection.sent_us
        if connection.status == "200" and connection.left is not None and connection.left <= 0:
            sample.answered += 1
            sample.latencies_us.append(elapsed_us)
        else:
            word = "cut" if connection.status == "200" else connection.status
            sample.failures[f"{word} {connection.code}".strip()] += 1
            if connection.code == "overloaded":
                sample.refusals_us.append(elapsed_us)
        if connection.is_open:
            self._idle.append(connection)
        else:
            connection.socket.close()

    def close(self) -> None:
        for connection in self._idle:
            connection.socket.close()
        self._idle.clear()
