"""How gunicorn serves: worker class and numbers, and a stop that lets running answers finish.

It runs in the master, which must load nothing of the project: a reload (HUP) then takes the new
code, and a gevent worker patches the standard library before any of ours is imported.
"""

import contextlib
import contextvars
import logging
import math
import os
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import gevent
from greenlet import greenlet
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from gunicorn.workers.ggevent import GeventWorker


def number(name: str, default: int) -> int:
    """Return a whole number of the environment, or stop the start with one line."""
    value = os.environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and int(value)):
        sys.exit(f"{name} is {value!r}: write a whole number from 1 up.")
    return int(value)


class PromptGeventWorker(GeventWorker):
    """gunicorn's gevent worker, less its wait of `keepalive` seconds for idle clients at a stop."""

    LINGER_S = 2  # for a request that a client may be sending already

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle: dict[greenlet, gevent.Timeout] = {}

    @contextlib.contextmanager
    def timeout_ctx(self) -> Iterator[None]:  # type: ignore[override]  # the stubs know no result
        connection = gevent.getcurrent()
        with gevent.Timeout(self.cfg.keepalive, False) as self.idle[connection]:  # type: ignore[arg-type]
            try:
                yield
            finally:
                self.idle.pop(connection, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn_later(self.LINGER_S, self.close_idle)

    def close_idle(self) -> None:
        for connection in list(self.idle):
            gevent.get_hub().loop.run_callback(self.hang_up, connection)

    def hang_up(self, connection: greenlet) -> None:
        """End the wait for a request, unless one has just come."""
        if timeout := self.idle.pop(connection, None):
            connection.throw(timeout)


# Where
host = os.environ.get("BIND", "").strip() or "0.0.0.0"  # noqa: S104 - containers need it
bind = f"[{host}]:{number('PORT', 8000)}" if ":" in host else f"{host}:{number('PORT', 8000)}"
backlog = 2048
proc_name = "xrouter"

# How many
workers = number("WEB_CONCURRENCY", 1)
if workers > 1 and not os.environ.get("REDIS_URL", "").strip():
    sys.exit("WEB_CONCURRENCY above 1 needs REDIS_URL: limits are counted across workers there.")

# A completion holds its client's socket and its upstream's; embedded, SQLite's and the sandbox's.
is_postgres = os.environ.get("DATABASE_URL", "").strip().startswith("postgres")
files_at_rest, files_per_completion = (48, 2) if is_postgres else (32, 6)
hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
files = 65_536 if hard_limit == resource.RLIM_INFINITY else min(hard_limit, 65_536)
resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard_limit))
room = max(files - files_at_rest, 2 * files_per_completion)
capacity = min(
    number("WORKER_CAPACITY", 1000 if is_postgres else 128), room // files_per_completion
)
os.environ["WORKER_CAPACITY"] = str(capacity)  # beyond it the application itself answers 503
# There is more of everything, so that a full worker still answers "overloaded" and /health at once.
reserve = max(2, capacity // 2)
if is_postgres:
    worker_class: str | type[Worker] = PromptGeventWorker
else:
    worker_class = "gthread"  # SQLite's calls would block a gevent loop
    threads = capacity + reserve
worker_connections = max(
    capacity + 2 * reserve, min(4096, room - capacity * files_per_completion // 2)
)

# How long, in seconds
timeout = 60  # of a worker's main loop, not of a request
keepalive = 75
try:
    graceful_timeout = math.ceil(float(os.environ.get("UPSTREAM_TOTAL_TIMEOUT") or 600)) + 30
except (ValueError, OverflowError):
    sys.exit("UPSTREAM_TOTAL_TIMEOUT: write a positive number of seconds.")

# What is let in
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = ""  # accounts.client_address decides whom to believe

worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True


def post_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Let a signal of the first moments end the worker: the master's handlers would swallow it."""
    for one in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)


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
    if hasattr(worker.wsgi, "start_jobs"):
        worker.wsgi.start_jobs()


def request(worker: Worker, path: str) -> None:
    """Ask the application for a page from inside."""
    public = urlsplit(os.environ.get("PUBLIC_URL", "").strip() or "http://localhost")
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
