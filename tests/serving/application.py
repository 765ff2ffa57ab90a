"""A small WSGI application that shows how it is served, for the tests of gunicorn.conf.py."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import gevent.monkey
from gunicorn.http.errors import ParseException

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WAS_PATCHED_BEFORE_IMPORT = gevent.monkey.is_module_patched("socket")
warmed_up: list[str] = []
while (gate := os.environ.get("GATE")) and not os.path.exists(gate):
    time.sleep(0.05)  # a worker that takes long to load


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if "SERVER_SOFTWARE" not in environ:
        warmed_up.append(path)
    if path == "/read":
        with contextlib.suppress(ParseException):
            environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json")])
    if path == "/large":
        return [b"word " * 2**22]
    if path == "/endless":
        return stream(sys.maxsize)
    return stream(10) if path == "/stream" else [facts()]


def stream(words: int) -> Iterator[bytes]:
    for _ in range(words):
        yield b"word "
        time.sleep(0.05)


def facts() -> bytes:
    return json.dumps(
        {
            "is_gevent": WAS_PATCHED_BEFORE_IMPORT,
            "pid": os.getpid(),
            "capacity": int(os.environ["WORKER_CAPACITY"]),
            "warmed_up": warmed_up,
        }
    ).encode()
