"""How gunicorn serves: worker class and numbers, and a stop that lets running answers finish.

It runs in the master, which must load nothing of the project: a reload (HUP) then takes the new
code, and a gevent worker patches the standard library before any of ours is imported.
"""

import contextvars
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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import gunicorn.util
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker


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


classes = runpy.run_path("xrouter_site/gunicorn_workers.py")

# Where
bind = bind_of_settings()
backlog = 2048
proc_name = "xrouter"

# How many
workers = int(text("WEB_CONCURRENCY", 1))

# A completion holds its upstream's socket beside its client's; embedded, also SQLite's and the sandbox's. The
# client's counts twice, for half as many again are let in twice: see `reserve`.
is_postgres = text("DATABASE_URL", "").startswith("postgres")
files_at_rest, files_behind_client = (64, 1) if is_postgres else (32, 5)
files_per_completion = 2 + files_behind_client
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
    worker_class: type[Worker] = classes["FastShutdownGeventWorker"]
else:
    worker_class = classes["ImpatientThreadWorker"]  # SQLite's calls would block a gevent loop
    threads = capacity + reserve
worker_connections = max(capacity + 2 * reserve, min(4096, room - capacity * files_behind_client))

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
forwarder_headers = ""  # and whoever comes through a unix socket gunicorn would believe anyhow
secure_scheme_headers: dict[str, str] = {}


# What is seen
def json_lines() -> logging.Formatter:
    """Return the application's own formatter; by its path, so that a reload takes the new one."""
    names = runpy.run_path("xrouter_site/log_format.py")
    formatter: logging.Formatter = names["JSONLines"]()
    return formatter


logger_class = classes["LoggerWithoutAccess"]
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

    Have workers know whether the service ends: after a reload, others serve its sockets. Have a signal of
    a worker's first moments end it: it begins with the master's handlers, which would swallow the one
    signal that it gets, and a stop would wait for it in vain. Have a reload lose no time of service.
    """
    if arbiter.cfg.workers > 1 and not text("REDIS_URL", ""):
        sys.exit(f"--workers is {arbiter.cfg.workers}: more than one worker needs REDIS_URL.")
    stop, ending = arbiter.stop, mmap.mmap(-1, 1)

    def stop_and_tell(graceful: bool = True) -> None:
        ending[0] = not (arbiter.reexec_pid or arbiter.master_pid or arbiter.systemd)
        stop(graceful)

    vars(arbiter).update(is_ending=ending, stop=stop_and_tell)
    replace_workers_without_a_gap(arbiter)
    os.register_at_fork(
        before=block_stop_signals,
        after_in_parent=unblock_stop_signals,
        after_in_child=stop_by_default,
    )


class Reloaded(Exception):
    """A reload has come to its last step."""


def replace_workers_without_a_gap(arbiter: Arbiter) -> None:
    """Have the old workers serve until those of a reload do, and the master watch over both meanwhile.

    gunicorn's own reload ends the old ones first, whose successors take seconds to load. Then it waits for
    their last answer: until then the master would heed no signal and replace no worker that dies.
    """
    reload = arbiter.reload

    def manage_workers() -> None:
        staying = sorted(
            (worker for worker in arbiter.WORKERS.values() if worker.alive),
            key=lambda worker: worker.age,
        )
        for _ in range(arbiter.num_workers - len(staying)):
            arbiter.spawn_worker()
        surplus = max(0, len(staying) - arbiter.num_workers)
        are_replaced = all(map(is_serving, staying[surplus:]))
        for worker in staying[:surplus]:
            if are_replaced or not is_serving(worker):
                # As the master sees it: it gets one signal, and counts no more.
                worker.alive = False
                arbiter.kill_worker(int(worker.pid), signal.SIGTERM)

    def end_reload() -> None:
        raise Reloaded

    def reload_without_waiting() -> None:
        vars(arbiter)["manage_workers"] = end_reload  # what comes behind it is the wait
        try:
            reload()
        except Reloaded:
            pass
        finally:
            vars(arbiter)["manage_workers"] = manage_workers

    vars(arbiter).update(manage_workers=manage_workers, reload=reload_without_waiting)


def is_serving(worker: Worker) -> bool:
    """Say whether a worker has begun its loop, which dates its file by a clock that began with the machine."""
    return bool(worker.tmp.last_update() <= time.monotonic())


STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def block_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def unblock_stop_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def stop_by_default() -> None:
    """Let a signal end a child until it has handlers of its own; one that was held back does so now."""
    for item in STOP_SIGNALS:
        signal.signal(item, signal.SIG_DFL)
    unblock_stop_signals()


def child_exit(arbiter: Arbiter, worker: Worker) -> None:
    """Drop the gauges of a worker that has ended; its counts stay."""
    for path in glob.glob(os.path.join(metrics_dir, f"gauge_live*_{worker.pid}.db")):
        os.remove(path)  # as mark_process_dead does, whose library the master must not load


def on_exit(arbiter: Arbiter) -> None:
    shutil.rmtree(metrics_dir, ignore_errors=True)


def post_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Show a worker's servers the byte that says whether the service ends; load without the collector."""
    gc.disable()
    classes["DrainingServer"].is_ending = vars(arbiter).get("is_ending")


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
    if hasattr(worker.wsgi, "unreadable"):
        gunicorn.util.write_error = functools.partial(write_error, worker.wsgi.unreadable)
    # The settings do not change any more: as plain attributes they cost a tenth of a look-up.
    vars(worker.cfg).update({name: getattr(worker.cfg, name) for name in worker.cfg.settings})
    # What is loaded lives as long as the worker. The young generation would else be searched several
    # times within a request, while all of its objects are in use; most end without the collector.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


def http_date(timestamp: float | None = None) -> str:
    """Return what gunicorn's function returns, put together once a second."""
    return date_of(int(time.time() if timestamp is None else timestamp))


@functools.lru_cache(maxsize=1)
def date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


def write_error(
    answer_to: Callable[[int, str], bytes],
    client: socket.socket,
    status: int,
    reason: str,
    message: str,
) -> None:
    """Answer as the application does what has not become a request."""
    gunicorn.util.write_nonblock(client, answer_to(status, message))


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
