"""Completions reach their view past Django's resolver and signals, and nobody can tell by the answer."""

import gc
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http.request import HttpHeaders

from billing.ledger.process_heartbeat import heartbeat
from gateway import upstreams
from tests.accounts.people import new_key
from xrouter_site.request_headers import RequestHeaders
from xrouter_site.urls import COMPLETION_PATHS
from xrouter_site.wsgi import application

pytestmark = pytest.mark.django_db

HELLO = {"model": "gigachat-basic", "messages": [{"role": "user", "content": "Привет"}]}


def environ(path: str, body: bytes = b"", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_REQUEST_ID": "the-same",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **more,
    }


def answer(call: Any, request: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    begun: list[Any] = []
    pieces = call(request, lambda status, headers: begun.append((status, dict(headers))))
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return *begun[0], body


def the_long_way(request: dict[str, Any], start_response: Any) -> Any:
    return WSGIHandler.__call__(application, request, start_response)


def test_the_table_has_every_path_of_completions():
    assert {"/v1/chat/completions", "/api/v1/completions", "/v1/messages"} <= set(COMPLETION_PATHS)


@pytest.mark.parametrize("path", COMPLETION_PATHS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"REQUEST_METHOD": "GET"},
        {"REQUEST_METHOD": "OPTIONS", "HTTP_ORIGIN": "https://page.example"},
        {"HTTP_HOST": "stranger.example"},
        {"HTTP_AUTHORIZATION": "Bearer nobody", "HTTP_ACCEPT_LANGUAGE": "ru"},
    ],
    ids=["no key", "method", "preflight", "host", "Russian"],
)
def test_refusals_are_the_same_both_ways(path: str, more: dict[str, str]):
    for spelling in (path, f"{path}/"):
        short = answer(application, environ(spelling, b"{}", **more))
        assert short == answer(the_long_way, environ(spelling, b"{}", **more))
        assert short[1]["X-Request-ID"] == "the-same"


@pytest.fixture
def sandbox(transactional_db: None) -> Iterator[None]:
    """Have test keys answered; the hold of a request is committed by a thread of its own."""
    upstreams.sandbox()
    yield
    heartbeat.stop()  # its thread would go to the database of other tests


@pytest.mark.postgres  # a connection to SQLite in memory is never closed
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_the_same_both_ways_but_for_its_id(sandbox: None, stream: bool):
    _, key = new_key(is_test=True)
    body = json.dumps({**HELLO, "stream": stream}).encode()
    more = {"HTTP_AUTHORIZATION": f"Bearer {key}"}

    short, long = (
        answer(way, environ(COMPLETION_PATHS[0], body, **more))
        for way in (application, the_long_way)
    )

    assert short[0] == long[0] == "200 OK"
    assert short[1].keys() == long[1].keys()
    assert short[1]["Content-Type"] == long[1]["Content-Type"]
    assert short[2].count(b"data: ") == long[2].count(b"data: ")
    assert len(short[2]) == len(long[2])
    assert connection.connection is None


def test_headers_are_found_as_django_finds_them():
    request = environ("/", HTTP_X_FORWARDED_FOR="1.2.3.4", HTTP_AUTHORIZATION="Bearer a")
    ours, django = RequestHeaders(request), HttpHeaders(request)
    for name in ("x-forwarded-for", "AUTHORIZATION", "content-type", "Content-Length", "none"):
        assert ours.get(name, "-") == django.get(name, "-")
        assert (name in ours) == (name in django)
    assert dict(ours) == dict(django)
    assert len(ours) == len(django)


@pytest.mark.postgres
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_leaves_nothing_to_the_garbage_collector(sandbox: None, stream: bool):
    _, key = new_key(is_test=True)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    body = json.dumps(HELLO | {"stream": stream}).encode()
    ask = partial(answer, application)
    ask(environ("/v1/chat/completions", body, **headers))
    gc.collect()
    gc.disable()
    try:
        status, _, said = ask(environ("/v1/chat/completions", body, **headers))
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {type(item).__name__ for item in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    assert status == "200 OK"
    assert said
    assert left.isdisjoint(
        {"WSGIRequest", "Request", "ChatRequest", "Attempts", "CompletionStream"}
    )


@pytest.mark.parametrize(
    "path",
    ["/v1/openapi.json", "/health", "/v1/nothing", "/v1/chat/completions", "/docs/errors/"],
)
def test_head_has_the_headers_of_get_and_no_body(path):
    got, head = (
        answer(application, environ(path, REQUEST_METHOD=method, HTTP_HOST="testserver"))
        for method in ("GET", "HEAD")
    )
    assert head[0] == got[0]
    assert head[2] == b"" != got[2]
    if path != "/v1/chat/completions":  # whose GET has its length from gunicorn
        assert head[1]["Content-Length"] == str(len(got[2]))
