"""gunicorn's workers: gevent's on PostgreSQL, threads on SQLite; how they serve connections, and stop.

`gunicorn.conf.py` runs this file instead of importing it: it may load nothing of the project.
"""

import _socket
import contextlib
import ctypes
import errno
import functools
import math
import mmap
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, ClassVar

import gevent
import gevent.socket
import gunicorn.http.wsgi
from gevent.pool import Pool
from gevent.server import StreamServer
from greenlet import greenlet
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.http.wsgi import Response
from gunicorn.workers.ggevent import GeventWorker
from gunicorn.workers.gthread import TConn, ThreadWorker

SO_ATTACH_FILTER = 26
HEAD_END = b"\r\n\r\n"
LENGTH_LINE = re.compile(rb"(?i)\ncontent-length: ?([0-9]{1,9})(?=\r\n|\Z)")
VARYING_LINE = re.compile(
    rb"(?i)\r\n(?:content-length: ?[0-9]{1,9}"
    rb"|(?:authorization|x-api-key|x-forwarded-for|x-real-ip): ?[!-~ ]*)(?=\r\n|\Z)"
)
SEND_S = 30.0
"""How long a client may take to make room for more of what it is sent."""
HEAD_S = 30.0
"""How long a client may take to send the whole head of a request that it has begun."""

READ_OVER_BYTES = 32 * 1024 * 1024
"""How much of a body is read behind its answer: a close before would take the answer from who still sends."""


class DirectSocket(gevent.socket.socket):
    """gevent's socket with fewer system calls.

    It does not ask, at each `sendall`, how large its buffer is. After an answer it waits for the client's next
    request, where gevent's would first look for it in vain.
    """

    unparsed = b""
    """The `head_of` the request that the parser reads next, where it is known."""
    gathered: list[bytes] | None = None
    """What is to go out in one piece, while that is put together."""
    has_answered = False
    waits: "IdleConnections | None" = None
    """Where a wait for a request is told that it has begun to come."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.gathered is not None:
            self.gathered.append(data)
            return
        try:
            sent = self._sock.send(data, flags)  # type: ignore[attr-defined]  # as below
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.send_later(memoryview(data)[sent:])
        self.has_answered = True

    def send_later(self, data: memoryview) -> None:
        """Send what the client has no room for yet. Raises BrokenPipeError where it makes none."""
        self.settimeout(SEND_S)
        try:
            while data:
                data = data[self.send(data) :]
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "The client does not read.") from None
        finally:
            self.settimeout(None)

    def recv(self, *arguments: Any) -> bytes:
        if self.has_answered:
            self.has_answered = False
            self._wait(self._read_event)  # type: ignore[attr-defined]  # the stubs leave them out
        data = super().recv(*arguments)
        if self.waits is not None and HEAD_END not in data:
            self.waits.begin_head()
        return data


class HonestResponse(Response):
    """gunicorn's response, which says that it is the last: behind a body that failed nothing can be read."""

    req: Any

    def should_close(self) -> bool:
        return bool(self.req.body.failed) or super().should_close()


class ResponseInOnePiece(HonestResponse):
    """A response whose head goes out with the first of its body."""

    sock: DirectSocket

    def write(self, arg: bytes) -> None:
        if self.headers_sent:
            super().write(arg)
            return
        pieces = self.sock.gathered = []
        try:
            super().write(arg)
        finally:
            self.sock.gathered = None
        self.sock.sendall(b"".join(pieces))


def head_of(data: bytes) -> bytes:
    """Return a head less what no refusal depends on; b"" where `data` is not one whole request."""
    head, end, body = data.partition(b"\r\n\r\n")
    lengths = LENGTH_LINE.findall(head)
    if not end or len(lengths) != 1 or int(lengths[0]) != len(body):
        return b""
    return VARYING_LINE.sub(b"", head)


class LoggerWithoutAccess(Logger):
    """gunicorn's logger, which would put an access line together at each request even where none is shown.

    The application logs requests itself (`xrouter_site/request_log.py`).
    """

    def access(self, *_: Any) -> None:
        pass


class IdleTooLong(BaseException):
    """A connection has waited long enough for its next request."""


class IdleConnections:
    """The greenlets that wait for a request, whose waits end in the order of their beginning.

    A context for the wait. gunicorn starts and stops a timer of libev for each; one look a second
    at all of them costs a request less.
    """

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._ends_s: dict[greenlet, float] = {}
        self._heads_end_s: dict[greenlet, float] = {}

    def __enter__(self) -> None:
        self._ends_s[gevent.getcurrent()] = time.monotonic() + self.patience_s

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._is_over(gevent.getcurrent())
        return kind is IdleTooLong

    def begin_head(self) -> None:
        """Give the running greenlet, if it waits, no longer than HEAD_S from now."""
        if self._ends_s.pop(gevent.getcurrent(), None) is not None:
            self._heads_end_s[gevent.getcurrent()] = time.monotonic() + HEAD_S

    def make_room(self) -> bool:
        """End the wait for a request that began first; say whether one was long enough for that."""
        for connection, end_s in self._ends_s.items():
            if end_s > time.monotonic() + self.patience_s - LEAST_IDLE_S:
                break
            gevent.get_hub().loop.run_callback(self._hang_up, connection)
            return True
        return False

    def hang_up(self, now_s: float = math.inf, *, makes_room: bool = False) -> None:
        """End the waits whose time has come; to make room, all that are no client's of just now."""
        for ends_s, patience_s in ((self._ends_s, self.patience_s), (self._heads_end_s, HEAD_S)):
            until_s = now_s + (patience_s - LEAST_IDLE_S if makes_room else 0)
            for connection, end_s in ends_s.items():
                if end_s > until_s:
                    break
                gevent.get_hub().loop.run_callback(self._hang_up, connection)

    def _hang_up(self, connection: greenlet) -> None:
        if self._is_over(connection):
            connection.throw(IdleTooLong)

    def _is_over(self, connection: greenlet) -> bool:
        """Forget a wait; say whether there was one, or its request had come by then."""
        is_idle = self._ends_s.pop(connection, None) is not None
        return is_idle or self._heads_end_s.pop(connection, None) is not None


class ListenerName:
    """What gunicorn asks of a listener for each connection, also when the listener is closed."""

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


class DrainingServer(StreamServer):
    """gevent's server, which accepts what waits for it before it closes: the kernel would reset it."""

    HANDSHAKE_S = 0.1
    is_ending: ClassVar[mmap.mmap | None] = None
    """One byte that master and workers share, 1 when the service ends for good."""

    def start_accepting(self) -> None:
        if self.socket.fileno() >= 0:  # a place that comes free during the close would begin again
            super().start_accepting()

    def close(self) -> None:
        if self.started:
            self.stop_accepting()
            # gevent's own socket would close a turn of the loop later, and more would wait by then.
            listener = _socket.socket(fileno=self.socket.detach())
            if self.is_ending and self.is_ending[0]:
                turn_away(listener)
                gevent.sleep(self.HANDSHAKE_S)  # for those whose first packet came before
            listener.setblocking(False)
            with contextlib.suppress(OSError):
                while True:
                    self.accept_from(listener)
            listener.close()
        super().close()

    def accept_from(self, listener: _socket.socket) -> None:
        """Serve one that waits. Raises BlockingIOError when there is none."""
        file, address = listener._accept()  # type: ignore[attr-defined]  # the stubs leave it out
        kind = (listener.family, listener.type, listener.proto)
        self.do_handle(gevent.socket.socket(*kind, fileno=file), address)


def turn_away(listener: _socket.socket) -> None:
    """Have the kernel drop the first packets of new connections, which then go to another instance.

    Those that came between the last `accept` and the close would be reset with their requests on the way. The
    filter is one of classic BPF over the header of TCP: flags at byte 13, SYN is 2.
    """
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        load, jump_if_set, give_back = 0x30, 0x45, 0x06
        steps = (
            (load, 0, 0, 13),
            (jump_if_set, 0, 1, 2),
            (give_back, 0, 0, 0),
            (give_back, 0, 0, 2**32 - 1),
        )
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
        program = struct.pack("HP", len(steps), ctypes.addressof(code))
        with contextlib.suppress(OSError):  # not every kernel has it
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


class FastShutdownGeventWorker(GeventWorker):
    """gunicorn's gevent worker, less its wait of `keepalive` seconds for idle clients at a stop."""

    LINGER_S = 2  # for a request that a client may be sending already
    RECEIVED_BYTES = 65_536
    HEADS_KEPT = 256
    refusal: Callable[[str, str, Iterable[tuple[str, str]]], bytes | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle = IdleConnections(self.cfg.keepalive)
        self.stuck: Pool | None = None
        self.refused: dict[bytes, tuple[str, str, list[tuple[str, str]]]] = {}

    def init_process(self) -> None:
        errors = functools.lru_cache(maxsize=1)(gunicorn.http.wsgi.WSGIErrorsWrapper)
        vars(gunicorn.http.wsgi).update(Response=ResponseInOnePiece, WSGIErrorsWrapper=errors)
        super().init_process()

    def server_class(self, listener: Any, *, spawn: Pool, **_for_pywsgi: Any) -> DrainingServer:  # type: ignore[override]
        """Make the server of a listener, as gunicorn does where this names none."""
        serve = functools.partial(self.handle, ListenerName(listener))
        server = DrainingServer(listener, serve, spawn=spawn)
        vars(server)["full"] = functools.partial(
            self.is_full, spawn
        )  # where gevent puts that of the pool
        if self.cfg.workers > 1:
            server.max_accept = 1
        return server

    def is_full(self, pool: Pool) -> bool:
        """Say whether a client that comes has to wait; then whoever has been idle longest makes room.

        It would wait as long as an idle client may else. Where nobody is idle, `notify` looks again.
        """
        is_full = bool(pool.full())
        self.stuck = pool if is_full and not self.idle.make_room() else None
        return is_full

    def timeout_ctx(self) -> IdleConnections:  # type: ignore[override]  # the stubs know no result
        return self.idle

    def notify(self) -> None:
        """Tell the master that the worker lives; its loop comes here every second."""
        super().notify()
        is_stuck = self.stuck is not None and self.stuck.full()
        self.idle.hang_up(time.monotonic(), makes_room=is_stuck)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        direct = DirectSocket(client.family, client.type, client.proto, fileno=client.detach())
        direct.waits = self.idle
        super().handle(listener, direct, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Answer a request; where the application is full, before an environment is made of it."""
        refusal = None
        if self.alive and req.version == (1, 1):
            refusal = self.refusal(req.method, req.path, req.headers)
        if refusal is None:
            sock.unparsed = b""
            try:
                return super().handle_request(listener_name, req, sock, addr)
            except StopIteration:
                self.close_gently(req.body, sock)
                raise
        sock.sendall(refusal)
        if sock.unparsed:
            if len(self.refused) >= self.HEADS_KEPT:
                self.refused.clear()
            self.refused[sock.unparsed] = (req.method, req.path, req.headers)
        self.refuse_alike(req, sock)
        return True

    def refuse_alike(self, req: Any, sock: Any) -> None:
        """Refuse what else comes with a head that was refused; the parser gets what is different.

        To parse a head takes as long as the rest of a refusal. Raises StopIteration when nothing comes.
        """
        sock.unparsed = b""
        self.read_over(req.body)
        if ahead := req.unreader.take_buffered():
            req.unreader.unread(ahead)
            return
        while self.alive:
            data = b""
            with self.idle:
                data = sock.recv(self.RECEIVED_BYTES)
            if not data:
                raise StopIteration
            head = head_of(data)
            known = self.refused.get(head)
            refusal = self.refusal(*known) if known else None
            if refusal is None:
                sock.unparsed = head
                req.unreader.unread(data)
                return
            sock.sendall(refusal)

    def read_over(self, body: Any) -> None:
        """Read what a refused request goes on with: a client reads no answer before it has sent it.

        Raises StopIteration where it is too much, or takes longer than a head may.
        """
        left_bytes = READ_OVER_BYTES
        with self.idle:
            while left_bytes > 0 and (data := body.read(self.RECEIVED_BYTES)):
                left_bytes -= len(data)
            if left_bytes > 0:
                return
        raise StopIteration

    def close_gently(self, body: Any, sock: Any) -> None:
        """End an answer, and read over the rest of its request."""
        with contextlib.suppress(OSError, StopIteration, ParseException):
            if not body.failed:
                sock.shutdown(socket.SHUT_WR)
                self.read_over(body)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.idle.patience_s = self.LINGER_S  # of those whose answer ends later
        gevent.spawn_later(self.LINGER_S, self.idle.hang_up)


class ImpatientThreadWorker(ThreadWorker):
    """gunicorn's thread worker, less its patience with clients that never send their request, or never read.

    A head that does not come whole would hold its thread for good.
    """

    SEND_TIMEOUT = struct.pack("ll", int(SEND_S), 0)
    READ_OVER_S = 5.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heads: dict[TConn, float] = {}

    def init_process(self) -> None:
        vars(gunicorn.http.wsgi).update(Response=HonestResponse)
        super().init_process()

    def handle(self, conn: TConn) -> Any:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, self.SEND_TIMEOUT)
        self.heads[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self.heads.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> bool:
        self.heads.pop(conn, None)
        try:
            is_kept = super().handle_request(req, conn)
        except BlockingIOError:
            raise BrokenPipeError(errno.EPIPE, "The client does not read.") from None
        return self.read_over(conn, is_kept) and is_kept

    def read_over(self, conn: TConn, is_kept: bool) -> bool:
        """Read what an answered request goes on with, as gunicorn does for less; say whether that is all."""
        try:
            if not is_kept:
                conn.sock.shutdown(socket.SHUT_WR)
            parser: Any = conn.parser
            end_s = time.monotonic() + self.READ_OVER_S
            return bool(parser.finish_body(deadline=end_s, max_bytes=READ_OVER_BYTES))
        except (OSError, ParseException):
            return False

    def murder_pending(self) -> None:
        """Hang up on late heads too; the worker's loop comes here every second."""
        super().murder_pending()
        late_s = time.monotonic() - HEAD_S
        for conn, began_s in list(self.heads.items()):
            if began_s < late_s:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)


LEAST_IDLE_S = 3.0
"""Whoever waited less is no idle client, but one whose request may be here and unread."""
