"""Bodies that come slowly, never, or as bombs: they are cut, and nobody else notices them."""

import contextlib
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.live.callers import HANG_S, LiveAnswer, parsed
from tests.live.service import Service, serve

BOMB = b'{"messages":[' + b"[]," * (20 * 1024 * 1024 // 3 - 10) + b"[]]}"
CHAT = {"model": "gigachat-basic", "messages": [{"role": "user", "content": "Привет"}]}
SIGN_IN = """
    import sys
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from accounts.models import User
    user = User.objects.get(email=sys.argv[1])
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print(session.session_key)
"""


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Run a service that waits less long for bodies, with a shop."""
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("bodies"),
        constants={
            "gateway.api.request_body.GRACE_S": 4.0,
            "gateway.api.request_body.MOST_S": 8.0,
        },
        YOOKASSA_SHOP_ID="100500",
        YOOKASSA_SECRET_KEY="test_of_the_tests",
        YOOKASSA_BASE_URL="http://127.0.0.1:1/v3",
    ) as running:
        yield running


class Sender:
    """A client that sends what it is told to and no more."""

    def __init__(self, service: Service, path: str, *headers: str, body: bytes = b"") -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=HANG_S)
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{service.port}", *headers, "", ""]
        with contextlib.suppress(ConnectionError):  # it may be answered before all is sent
            self._socket.sendall("\r\n".join(lines).encode() + body)

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def drip(self) -> LiveAnswer:
        """Send a byte ten times a second until an answer comes."""
        self._socket.settimeout(0.1)
        for _ in range(10 * HANG_S):
            self._socket.send(b" ")
            with contextlib.suppress(TimeoutError):
                self._socket.recv(1, socket.MSG_PEEK)
                break
        self._socket.settimeout(HANG_S)
        return self.answer()

    def answer(self) -> LiveAnswer:
        """Read until the service closes the connection."""
        raw = b""
        with contextlib.suppress(ConnectionError):
            while data := self._socket.recv(65536):
                raw += data
        self._socket.close()
        return parsed(raw)


def _begun(service: Service, path: str, *headers: str, form: bool = False) -> Sender:
    kind = "x-www-form-urlencoded" if form else "json"
    own = (f"Content-Type: application/{kind}", "Content-Length: 1000")
    return Sender(service, path, *headers, *own, body=b'{"model": ')


def _is_well(service: Service, *keys: str) -> None:
    """Check that people and probes are served as ever."""
    assert httpx2.get(f"{service.url}/health", trust_env=False).status_code == 200
    for key in keys:
        with service.http(key) as http:
            assert http.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_sixty_bodies_of_a_free_account_that_never_come_hold_nothing(service: Service) -> None:
    keys = [service.console.run("issue_key", "drip@example.com").strip() for _ in range(60)]
    others = service.fresh_key()
    with contextlib.ExitStack() as crowd:
        begun = [
            crowd.enter_context(
                _begun(service, "/v1/chat/completions", f"Authorization: Bearer {key}")
            )
            for key in keys
        ]

        _is_well(service, keys[0], others)

        answers = [sender.answer() for sender in begun]
        assert {(answer.status, answer.code) for answer in answers} == {(408, "request_timeout")}


@pytest.mark.parametrize(
    ("path", "is_form"), [("/cabinet/keys/", True), ("/cabinet/playground/completions", False)]
)
def test_forty_bodies_of_a_session_that_never_come_hold_nothing(
    service: Service, path: str, is_form: bool
) -> None:
    key = service.key("person@example.com")
    session = service.python(SIGN_IN, "person@example.com").strip()
    token = "t" * 32
    cookie = f"Cookie: sessionid={session}; csrftoken={token}"
    own = (cookie, f"X-CSRFToken: {token}")
    with contextlib.ExitStack() as crowd:
        begun = [crowd.enter_context(_begun(service, path, *own, form=is_form)) for _ in range(40)]

        _is_well(service, key)
        headers = {"Cookie": f"sessionid={session}"}
        page = httpx2.get(f"{service.url}/cabinet/", headers=headers, trust_env=False)
        assert page.status_code == 200

        assert {sender.answer().status for sender in begun} == {408}


def test_a_body_that_drips_is_cut(service: Service) -> None:
    dripping = _begun(service, "/v1/chat/completions", f"Authorization: Bearer {service.key()}")
    answer = dripping.drip()
    assert (answer.status, answer.code) == (408, "request_timeout")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/tokens/count"])
def test_a_bomb_of_twenty_mebibytes_is_refused(service: Service, path: str) -> None:
    head = ("Content-Type: application/json", f"Content-Length: {len(BOMB)}", "Connection: close")
    key = f"Authorization: Bearer {service.key()}"
    answer = Sender(service, path, key, *head, body=BOMB).answer()
    assert (answer.status, answer.code) == (400, "invalid_json")
    _is_well(service, service.key())


def test_without_a_credential_no_bomb_is_read(service: Service) -> None:
    head = ("Content-Type: application/json", f"Content-Length: {len(BOMB)}", "Connection: close")
    for path, status in (("/v1/chat/completions", 401), ("/v1/auth/keys", 413)):
        answer = Sender(service, path, *head, body=BOMB[:100_000]).answer()
        assert answer.status == status


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"zz\r\n{}\r\n0\r\n\r\n", 400),
        (b"2\r\n{}xx\r\n0\r\n\r\n", 400),
        (b"10000\r\n" + b" " * 0x10000 + b"\r\n2\r\n{}\r\n0\r\n\r\n", 413),
        (b"5\r\n[1,2]\r\n0\r\n\r\n", 400),
        (b'26\r\n{"object": {"id": "not-one-of-ours"}} \r\n0\r\n\r\n', 200),
    ],
)
def test_a_chunked_notice_of_the_shop_is_read_within_its_bounds(
    service: Service, chunks: bytes, status: int
) -> None:
    head = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close")
    assert Sender(service, "/webhooks/yookassa", *head, body=chunks).answer().status == status


def test_a_chunked_form_is_read(service: Service) -> None:
    form = b"grant_type=password"
    head = (
        "Content-Type: application/x-www-form-urlencoded",
        "Transfer-Encoding: chunked",
        "Connection: close",
    )
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(form), form)
    answer = Sender(service, "/oauth/token", *head, body=body).answer()
    assert answer.json["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke/", "/oauth/introspect"])
@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"zz\r\nabc\r\n0\r\n\r\n", 400),
        (b"10001\r\n" + b"a" * 0x10001 + b"\r\n0\r\n\r\n", 400),
        (b"5\r\na", 408),
    ],
)
def test_a_form_of_oauth_that_cannot_be_received_is_an_error_of_oauth(
    service: Service, path: str, chunks: bytes, status: int
) -> None:
    head = (
        "Content-Type: application/x-www-form-urlencoded",
        "Transfer-Encoding: chunked",
        "Connection: close",
    )
    answer = Sender(service, path, *head, body=chunks).answer()
    assert (answer.status, answer.json["error"]) == (status, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"
