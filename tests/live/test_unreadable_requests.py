"""What is no request is answered in the form of the API too, and its connection ends."""

import http.client
import json
import socket

import pytest

from tests.live.service import Service

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [
        (b"no request at all\r\n\r\n", 400, "HTTP/1.1"),
        (HEAD + b"Content-Length: x\r\n\r\n", 400, "CONTENT-LENGTH"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "CONTENT-LENGTH"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "address"),
        (HEAD + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers"),
    ],
)
def test_it_gets_an_error_with_an_id(service: Service, sent: bytes, status: int, word: str) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        error = json.loads(answer.read())["error"]
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Connection"] == "close"
    assert len(answer.headers["X-Request-ID"]) == 32
    assert (error["code"], error["type"]) == ("invalid_request", "invalid_request_error")
    assert word.lower() in error["message"].lower()
