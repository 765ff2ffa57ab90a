"""The least that a gateway could do: the same worker and HTTP client, and the bodies handed on as they are.

`gunicorn bench.relay:application -c gunicorn.conf.py`, with UPSTREAM the address of the provider;
`bench.relay:urllib3_application` goes by urllib3 instead, and knows no streams.
"""

import os
from collections.abc import Iterable
from typing import Any

import urllib3

from gateway.providers._shared.http_client import JSON, Deadline, HttpClient, drain

client = HttpClient(os.environ["UPSTREAM"], provider="upstream")
pool = urllib3.PoolManager(maxsize=1000)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Hand the body on, and the answer back: whole, or as it comes."""
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    body = environ["wsgi.input"].read()
    response = drain(
        client.send(
            "POST",
            "/chat/completions",
            headers={"Content-Type": JSON},
            body=body,
            cancel_token=Deadline(600),
        )
    )
    if b'"stream":true' in body:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return _streamed(response)
    answer = drain(response.read())
    response.close()
    start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(answer)))])
    return [answer]


def urllib3_application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Hand the body on, and the whole answer back."""
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    answer = pool.urlopen(
        "POST",
        f"{os.environ['UPSTREAM']}/chat/completions",
        headers={"Content-Type": JSON},
        body=environ["wsgi.input"].read(),
        retries=False,
    ).data
    start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(answer)))])
    return [answer]


def _streamed(response: Any) -> Iterable[bytes]:
    try:
        for line in response.lines():
            if isinstance(line, bytes) and line:
                yield line + b"\n\n"
    finally:
        response.close()
