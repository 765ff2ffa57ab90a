"""How gunicorn serves: worker class and numbers, and a stop that lets running answers finish.

It runs in the master, which must load nothing of the project: a reload (HUP) then takes the new
code, and a gevent worker patches the standard library before any of ours is imported.
"""

import _socket
import contextlib
import contextvars
import ctypes
import functools
import gc
import glob
import logging
import math
import mmap
import os
import resource
import runpy
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from types import FrameType
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import gevent
import gevent.socket
import gunicorn.util
from gevent.pool import Pool
from gevent.server import StreamServer
from greenlet import greenlet
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from gunicorn.workers.ggevent import GeventWorker
from gunicorn.workers.gthread import TConn, ThreadWorker


def bind_of_settings() -> str:
    """Read the settings in a process of its own; where they are refused, it has said why."""
    reader = subprocess.run(  # noqa: S603 -- the interpreter itself
        [
            *(sys.executable, "-c"),
            "import xrouter_site; from django.conf import settings; print(settings.BIND)",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if reader.returncode:
        sys.exit(reader.returncode)
    return reader.stdout.strip()


def text(name: str, default: object) -> str:
    """Return a variable, which has been found to be right; an empty one is unset."""
    return os.environ.get(name, "").strip() or str(default)


SO_ATTACH_FILTER = 26
is_ending: mmap.mmap | None = None
"""One byte that master and workers share, 1 when the service ends for good."""


class DirectSocket(gevent.socket.socket):
    """gevent's socket, less a question to the kernel, at each `sendall`, of how large its buffer is."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        sent = self.send(data, flags)
        if sent < len(data):
            super().sendall(memoryview(data)[sent:], flags)


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
        self._patience_s = patience_s
        self._ends_s: dict[greenlet, float] = {}

    def __enter__(self) -> None:
        self._ends_s[gevent.getcurrent()] = time.monotonic() + self._patience_s

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._ends_s.pop(gevent.getcurrent(), None)
        return kind is IdleTooLong

    def hang_up(self, now_s: float = math.inf) -> None:
        """End the waits whose time has come."""
        for connection, end_s in self._ends_s.items():
            if end_s > now_s:
                break
            gevent.get_hub().loop.run_callback(self._hang_up, connection)

    def _hang_up(self, connection: greenlet) -> None:
        if self._ends_s.pop(connection, None) is not None:  # else a request has just come
            connection.throw(IdleTooLong)


class ListenerName:
    """What gunicorn asks of a listener for each connection, also when the listener is closed."""

    def __init__(self, listener: Any) -> None:
        self._name = listener.getsockname()

    def getsockname(self) -> Any:
        return self._name


class DrainingServer(StreamServer):
    """gevent's server, which accepts what waits for it before it closes: the kernel would reset it."""

    HANDSHAKE_S = 0.1

    def close(self) -> None:
        if self.started:
            self.stop_accepting()
            # gevent's own socket would close a turn of the loop later, and more would wait by then.
            listener = _socket.socket(fileno=self.socket.detach())
            if is_ending and is_ending[0]:
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
    refusal: Callable[[str, str, Iterable[tuple[str, str]]], bytes | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle = IdleConnections(self.cfg.keepalive)

    def server_class(self, listener: Any, *, spawn: Pool, **_for_pywsgi: Any) -> DrainingServer:  # type: ignore[override]
        """Make the server of a listener, as gunicorn does where this names none."""
        serve = functools.partial(self.handle, ListenerName(listener))
        server = DrainingServer(listener, serve, spawn=spawn)
        if self.cfg.workers > 1:
            server.max_accept = 1
        return server

    def timeout_ctx(self) -> IdleConnections:  # type: ignore[override]  # the stubs know no result
        return self.idle

    def notify(self) -> None:
        """Tell the master that the worker lives; its loop comes here every second."""
        super().notify()
        self.idle.hang_up(time.monotonic())

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        direct = DirectSocket(client.family, client.type, client.proto, fileno=client.detach())
        super().handle(listener, direct, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Answer a request; where the application is full, before an environment is made of it."""
        refusal = None
        if self.alive and req.version == (1, 1):
            refusal = self.refusal(req.method, req.path, req.headers)
        if refusal is None:
            return super().handle_request(listener_name, req, sock, addr)
        sock.sendall(refusal)  # the parser reads over the body when the next request comes
        return True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn_later(self.LINGER_S, self.idle.hang_up)


class ImpatientThreadWorker(ThreadWorker):
    """gunicorn's thread worker, less its patience with clients whose request never begins in earnest.

    A head that does not come whole would hold its thread for good; greenlets wait `keepalive` for it.
    """

    HEAD_S = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heads: dict[TConn, float] = {}

    def handle(self, conn: TConn) -> Any:
        self.heads[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self.heads.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> bool:
        self.heads.pop(conn, None)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Hang up on late heads too; the worker's loop comes here every second."""
        super().murder_pending()
        late_s = time.monotonic() - self.HEAD_S
        for conn, began_s in list(self.heads.items()):
            if began_s < late_s:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)


# Where
bind = bind_of_settings()
backlog = 2048
proc_name = "xrouter"

# How many
workers = int(text("WEB_CONCURRENCY", 1))

# A completion holds its client's socket and its upstream's; embedded, SQLite's and the sandbox's.
is_postgres = text("DATABASE_URL", "").startswith("postgres")
files_at_rest, files_per_completion = (48, 2) if is_postgres else (32, 6)
hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
files = 65_536 if hard_limit == resource.RLIM_INFINITY else min(hard_limit, 65_536)
resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard_limit))
room = max(files - files_at_rest, 2 * files_per_completion)
capacity = min(
    int(text("WORKER_CAPACITY", 1000 if is_postgres else 128)), room // files_per_completion
)
os.environ["WORKER_CAPACITY"] = str(capacity)  # beyond it the application itself answers 503
# There is more of everything, so that a full worker still answers "overloaded" and /health at once.
reserve = max(2, capacity // 2)
if is_postgres:
    worker_class: type[Worker] = FastShutdownGeventWorker
else:
    worker_class = ImpatientThreadWorker  # SQLite's calls would block a gevent loop
    threads = capacity + reserve
worker_connections = max(
    capacity + 2 * reserve, min(4096, room - capacity * files_per_completion // 2)
)

GC_THRESHOLDS = (20_000, 10, 10)

# How long, in seconds
timeout = 60  # of a worker's main loop, not of a request
keepalive = 75
graceful_timeout = math.ceil(float(text("UPSTREAM_TOTAL_TIMEOUT", 600))) + 30

# What is let in
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = ""  # accounts.client_address decides whom to believe


# What is seen
def json_lines() -> logging.Formatter:
    """Return the application's own formatter; by its path, so that a reload takes the new one."""
    names = runpy.run_path("xrouter_site/log_format.py")
    formatter: logging.Formatter = names["JSONLines"]()
    return formatter


logger_class = LoggerWithoutAccess
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": json_lines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": [], "propagate": True},
    },
}
# The files in which workers keep their counts, and what is in them outlives a worker.
METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"
if METRICS_DIR not in os.environ:  # a reload comes here again, and keeps what was counted
    os.environ[METRICS_DIR] = tempfile.mkdtemp(prefix="xrouter-metrics-")
metrics_dir = os.environ[METRICS_DIR]

worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True


def on_starting(arbiter: Arbiter) -> None:
    """Refuse workers that the command line asks for and that could not count together.

    Have workers know whether the service ends: after a reload, others serve its sockets.
    """
    if arbiter.cfg.workers > 1 and not text("REDIS_URL", ""):
        sys.exit(f"--workers is {arbiter.cfg.workers}: more than one worker needs REDIS_URL.")
    stop, ending = arbiter.stop, mmap.mmap(-1, 1)

    def stop_and_tell(graceful: bool = True) -> None:
        ending[0] = not (arbiter.reexec_pid or arbiter.master_pid or arbiter.systemd)
        stop(graceful)

    vars(arbiter).update(is_ending=ending, stop=stop_and_tell)


def child_exit(arbiter: Arbiter, worker: Worker) -> None:
    """Drop the gauges of a worker that has ended; its counts stay."""
    for path in glob.glob(os.path.join(metrics_dir, f"gauge_live*_{worker.pid}.db")):
        os.remove(path)  # as mark_process_dead does, whose library the master must not load


def on_exit(arbiter: Arbiter) -> None:
    shutil.rmtree(metrics_dir, ignore_errors=True)


def post_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Let a signal of the first moments end the worker: the master's handlers would swallow it."""
    global is_ending
    is_ending = vars(arbiter).get("is_ending")
    for item in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(item, signal.SIG_DFL)


def post_worker_init(worker: Worker) -> None:
    """Log as the application does, and load what the first request would wait for."""
    errors = logging.getLogger("gunicorn.error")
    errors.handlers.clear()
    errors.propagate = True
    for path in ("/health", "/v1/models"):
        try:
            contextvars.copy_context().run(request, worker, path)
        except Exception:
            errors.exception("The warm-up of %s failed.", path)
    if hasattr(worker.wsgi, "warm_up"):
        worker.wsgi.warm_up()
    if hasattr(worker.wsgi, "start_jobs"):
        worker.wsgi.start_jobs()
    gunicorn.util.http_date = http_date
    vars(worker)["refusal"] = getattr(worker.wsgi, "refusal", lambda *_: None)
    # The settings do not change any more: as plain attributes they cost a tenth of a look-up.
    vars(worker.cfg).update({name: getattr(worker.cfg, name) for name in worker.cfg.settings})
    # What is loaded lives as long as the worker. The young generation would else be searched several
    # times within a request, while all of its objects are in use; most end without the collector.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def http_date(timestamp: float | None = None) -> str:
    """Return what gunicorn's function returns, put together once a second."""
    return date_of(int(time.time() if timestamp is None else timestamp))


@functools.lru_cache(maxsize=1)
def date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


def request(worker: Worker, path: str) -> None:
    """Ask the application for a page from inside."""
    public = urlsplit(text("PUBLIC_URL", "http://localhost"))
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "HTTP_HOST": public.netloc,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": public.scheme,
    }
    setup_testing_defaults(environ)
    answer = worker.wsgi(environ, begin)
    try:
        for _ in answer:
            pass
    finally:
        if hasattr(answer, "close"):
            answer.close()


def begin(status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None) -> None:
    """Take the head of an answer that goes nowhere."""
