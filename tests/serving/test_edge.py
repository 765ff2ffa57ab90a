"""The real nginx and Caddy, with the files of deploy/, before a server that tells what reached it."""

import contextlib
import datetime
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.serving.edges import GIVE_UP_S, caddy, free_port, nginx

CHAT = "/v1/chat/completions"


class Upstream(ThreadingHTTPServer):
    """Answers with the headers that it was sent; `/stream` waits for `go_on` within its answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self.has_lost_client = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/stream":
            return self._stream()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        with contextlib.suppress(OSError):
            while not self.server.go_on.wait(0.05):
                self.wfile.write(b": waiting\n\n")
            self.wfile.write(b"data: two\n\n")
            return
        self.server.has_lost_client.set()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


SHORT_PATIENCE = (
    ("client_header_timeout 10s;", "client_header_timeout 1s;"),
    ("client_body_timeout 10s;", "client_body_timeout 1s;"),
)


def impatient_nginx(
    folder: pathlib.Path, upstream_port: int
) -> contextlib.AbstractContextManager[int]:
    return nginx(folder, upstream_port, changes=SHORT_PATIENCE)


EDGES = {"nginx": impatient_nginx, "caddy": caddy}


@pytest.fixture(params=EDGES)
def edge(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: pathlib.Path):
    with EDGES[request.param](tmp_path, upstream.server_port) as port, client_of(port) as client:
        yield client


@contextlib.contextmanager
def client_of(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)) as it:
        yield it


def test_what_a_client_says_of_its_address_is_not_believed(edge):
    said = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "192.0.2.1",
        "Forwarded": "for=192.0.2.1",
        "X-Forwarded-Port": "443",
        "Proxy": "http://192.0.2.1",
        "Authorization": "Bearer key",
        "CF-Connecting-IP": "192.0.2.2",
    }
    edge.request("GET", "/v1/models", headers=said)
    came = json.loads(edge.getresponse().read())
    values = [value for _, value in came]
    assert "192.0.2.1" not in "".join(values)
    assert [value for name, value in came if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert [value for name, value in came if name == "x-forwarded-proto"] == ["http"]
    assert dict(came)["host"] == f"127.0.0.1:{edge.port}"
    assert dict(came)["authorization"] == "Bearer key"
    assert dict(came)["cf-connecting-ip"] == "192.0.2.2"


def test_an_event_comes_through_while_its_stream_goes_on(edge, upstream):
    edge.request("GET", "/stream")
    answer = edge.getresponse()
    assert answer.readline() == b"data: one\n"
    upstream.go_on.set()
    assert b"data: two\n\n" in answer.read()


def test_a_client_that_leaves_a_stream_leaves_the_service_too(edge, upstream):
    edge.request("GET", "/stream")
    answer = edge.getresponse()
    answer.readline()
    answer.close()
    edge.close()
    assert upstream.has_lost_client.wait(GIVE_UP_S)


def wait_for_end(client: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):
        while client.recv(65536):
            pass


def test_a_body_reaches_the_service_whole_or_not_at_all(edge, upstream):
    with socket.create_connection(("127.0.0.1", edge.port), GIVE_UP_S) as client:
        client.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf".encode())
        wait_for_end(client)  # it is cut: the rest never comes
    assert upstream.asked == []


def test_a_head_that_does_not_come_is_not_waited_for(edge, upstream):
    with socket.create_connection(("127.0.0.1", edge.port), GIVE_UP_S) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: ")
        wait_for_end(client)
    assert upstream.asked == []


def test_a_body_of_the_longest_kind_passes_and_a_longer_one_is_told_in_json(edge):
    edge.request("POST", CHAT, body=b" " * 20 * 1024 * 1024)
    answer = edge.getresponse()
    answer.read()
    assert answer.status == 200
    edge.putrequest("POST", CHAT)
    edge.putheader("Content-Length", str(30 * 1024 * 1024))
    edge.endheaders()
    with contextlib.suppress(OSError):
        edge.send(b" " * 30 * 1024 * 1024)
    answer = edge.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "request_too_large"


@pytest.mark.parametrize("name", EDGES)
def test_a_service_that_is_away_is_a_503_in_json(name, tmp_path):
    with EDGES[name](tmp_path, free_port()) as port, client_of(port) as edge:
        edge.request("GET", "/v1/models")
        answer = edge.getresponse()
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert json.loads(answer.read())["error"]["code"] == "service_unavailable"


def test_nginx_says_https_where_it_ends_tls(upstream, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "fullchain.pem").write_bytes(pem)
    (tmp_path / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    trust = ssl.create_default_context(cadata=pem.decode())
    with nginx(tmp_path, upstream.server_port, tls=True) as port:
        client = http.client.HTTPSConnection("localhost", port, context=trust, timeout=GIVE_UP_S)
        client.request("GET", "/")
        came = dict(json.loads(client.getresponse().read()))
        client.close()
    assert came["x-forwarded-proto"] == "https"


def test_no_log_of_the_edge_bears_a_key_or_a_code(upstream, tmp_path):
    for name, server in EDGES.items():
        folder = tmp_path / name
        folder.mkdir()
        with server(folder, upstream.server_port) as port, client_of(port) as edge:
            edge.request("GET", "/auth?code=SECRET1", headers={"Authorization": "Bearer SECRET2"})
            edge.getresponse().read()
        assert "/auth" in (folder / "log").read_text()
        assert "SECRET" not in (folder / "log").read_text()
        shutil.rmtree(folder)
