"""Pictures at addresses: public ones are fetched within bounds, and nothing else is ever connected to."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from accounts.principal import Principal
from billing.ledger import balances
from gateway.api.errors import Overloaded
from gateway.api.remote_images import in_request
from gateway.api.remote_images.download import (
    ImageNotFetched,
    download,
    read_address,
)
from gateway.api.remote_images.download import (
    resolve as resolve_by_system,
)
from gateway.api.remote_images.in_request import with_fetched_images
from gateway.api.remote_images.public_address import public_address
from gateway.api.schema.chat_request import read_completion_request
from gateway.api.schema.picture_url import RemoteImage
from gateway.pipeline.errors import (
    InvalidParameter,
    ModelNotFound,
    PaidModelOnFreeTier,
    RequestRefused,
    UnsupportedContent,
)
from gateway.pipeline.request import CompletionRequest
from infra.credits import NANO_PER_CREDIT
from tests.billing.payers import open_account, payer

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
PUBLIC = "8.8.8.8"
IN_TIME_S = 60.0


class PictureServer:
    """A server on this machine that says what it is told, and keeps what it was asked."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        self._pieces = pieces
        self._pause_s = pause_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[bytes] = []
        self.connected_to: list[tuple[str, int]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """Lead a connection to whatever public address here."""
        self.connected_to.append((address, port))
        return socket.create_connection(self._listener.getsockname(), timeout_s)

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        with peer:
            self.asked.append(peer.recv(65_536))
            for piece in self._pieces:
                try:
                    peer.sendall(piece)
                except OSError:
                    return
                time.sleep(self._pause_s)


Serve = Callable[..., PictureServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[PictureServer] = []

    def make(*pieces: bytes, pause_s: float = 0.0) -> PictureServer:
        servers.append(PictureServer(*pieces, pause_s=pause_s))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def _found(*addresses: str) -> Callable[[str, int, float], Sequence[str]]:
    return lambda host, port, timeout_s: addresses


def _got(
    server: PictureServer,
    url: str = "http://pictures.example/a.png",
    *,
    addresses: Sequence[str] = (PUBLIC,),
    within_s: float = IN_TIME_S,
    max_bytes: int = 1000,
) -> bytes:
    return download(
        read_address(url),
        deadline_s=time.monotonic() + within_s,
        max_bytes=max_bytes,
        resolve=_found(*addresses),
        connect=server.connect,
    )


def _answer(body: bytes, head: str = "200 OK", *lines: str) -> bytes:
    fields = (f"HTTP/1.1 {head}", f"Content-Length: {len(body)}", *lines)
    return "".join(f"{line}\r\n" for line in fields).encode() + b"\r\n" + body


def test_a_picture_is_fetched_from_the_judged_address_with_the_hosts_name(serve: Serve) -> None:
    server = serve(_answer(PNG))

    assert _got(server, "http://Pictures.Example/ä b.png?q=1#top".replace(" ", "%20")) == PNG
    assert server.connected_to == [(PUBLIC, 80)]
    request = server.asked[0].decode()
    assert request.startswith("GET /%C3%A4%20b.png?q=1 HTTP/1.1\r\n")
    assert "\r\nHost: pictures.example\r\n" in request


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.88.99.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1", "::127.0.0.1"),
        *("100::1", "3fff::1", "5f00::1", "127.1", "2130706433", "", "a.b"),
    ],
)
def test_no_address_but_a_public_one_is_connected_to(serve: Serve, address: str) -> None:
    server = serve(_answer(PNG))

    assert public_address(address) is None
    for found in ((address,), (PUBLIC, address), (address, PUBLIC)):
        with pytest.raises(ImageNotFetched, match="public network"):
            _got(server, addresses=found)
    assert not server.connected_to


@pytest.mark.parametrize("address", [PUBLIC, "2a00:1450:4010:c01::64", "77.88.55.88"])
def test_a_public_address_is_one(address: str) -> None:
    assert public_address(address) == address


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://a.example/", "ftp://a.example/a", "javascript:alert(1)"),
        *("unix:/var/run/docker.sock", "//a.example/a.png", "a.png", "", "http://", "http:///a"),
        *("http://user@a.example/", "http://user:word@a.example/", "http://a.example:22/"),
        *("http://a.example:0/", "http://a.example:99999/", "http://a.example:8080/"),
        *("http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/"),
        *("http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25e]/"),
        *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://localhost./"),
        *("http://a.example/\r\nHost: b", "http://a.example\\@127.0.0.1/", "http://a b.example/"),
        *("http://①②⑦.0.0.1/", "http://１２７.0.0.1/", "http://" + "a" * 3000),
    ],
)
def test_an_address_that_no_picture_can_have_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ImageNotFetched):
        read_address(url)


@pytest.mark.parametrize("host", ["localhost", "xn--", "nobody.invalid"])
def test_a_name_of_this_machine_or_of_nobody_leads_nowhere(serve: Serve, host: str) -> None:
    server = serve(_answer(PNG))
    with pytest.raises(ImageNotFetched):
        download(
            read_address(f"http://{host}/a.png"),
            deadline_s=time.monotonic() + IN_TIME_S,
            resolve=resolve_by_system,
            connect=server.connect,
        )
    assert not server.connected_to


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_answer(b"", "302 Found", "Location: http://127.0.0.1/"), "another address"),
        (_answer(PNG, "404 Not Found"), "404"),
        (_answer(b"0" * 1001), "larger"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"0" * 5000, "larger"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort", "fetched"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort", "fetched"),
        (b"SSH-2.0-OpenSSH\r\n", "fetched"),
        (b"", "fetched"),
    ],
)
def test_what_is_no_whole_answer_is_no_picture(serve: Serve, answer: bytes, why: str) -> None:
    with pytest.raises(ImageNotFetched, match=why):
        _got(serve(answer))


def test_a_server_that_drips_is_cut_at_the_deadline(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Long: "
    for pieces in ([head, *[b"a"] * 200], [_answer(b"0" * 900)[:60], *[b"0"] * 200]):
        server = serve(*pieces, pause_s=0.05)
        with pytest.raises(ImageNotFetched, match="in time"):
            _got(server, within_s=0.4)


def test_a_server_that_speaks_no_tls_is_not_believed(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(ImageNotFetched):
        _got(server, "https://pictures.example/a.png")
    assert server.connected_to == [(PUBLIC, 443)]


def _request(*urls: str, model: str = "gigachat-pro") -> CompletionRequest:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    body = {"model": model, "messages": [{"role": "user", "content": parts}]}
    return read_completion_request(body, is_strict=False)


@pytest.fixture
def rich(db: None) -> Principal:
    balances.forget_all()
    return payer(open_account(100 * NANO_PER_CREDIT))


def test_a_request_bears_the_pictures_in_their_order(rich: Principal) -> None:
    pictures = {"/a": PNG, "/b": b"\xff\xd8\xff\xe0"}
    data = "data:image/png;base64,iVBORw0KGgo="
    request = _request("https://a.example/a", data, "https://a.example/b")

    fetched = with_fetched_images(
        request, rich, fetch=lambda address, **_: pictures[address.target]
    )

    assert [(image.mime_type, len(image.data)) for image in fetched.request.messages[0].images] == [
        ("image/png", len(PNG)),
        ("image/png", 8),
        ("image/jpeg", 4),
    ]


@pytest.mark.parametrize(
    ("urls", "model", "kind"),
    [
        (["https://a.example/a"] * 11, "gigachat-pro", InvalidParameter),
        (["https://a.example/a"], "yandexgpt", UnsupportedContent),
        (["https://a.example/a"], "unknown", ModelNotFound),
    ],
)
def test_what_would_be_refused_anyhow_is_not_fetched(
    rich: Principal, urls: list[str], model: str, kind: type[RequestRefused]
) -> None:
    asked: list[object] = []

    def fetch(address: object, **_: object) -> bytes:
        asked.append(address)
        return PNG

    with pytest.raises(kind):
        with_fetched_images(_request(*urls, model=model), rich, fetch=fetch)
    assert not asked


def test_who_may_not_use_the_model_has_nothing_fetched(db: None) -> None:
    balances.forget_all()
    with pytest.raises(PaidModelOnFreeTier):
        with_fetched_images(_request("https://a.example/a"), payer(open_account()))


def test_what_is_no_picture_or_not_there_is_refused_by_its_field(rich: Principal) -> None:
    def absent(address: object, **_: object) -> bytes:
        raise ImageNotFetched("did not answer in time.")

    for fetch in (absent, lambda address, **_: b"<svg><script/></svg>"):
        with pytest.raises(UnsupportedContent) as refusal:
            with_fetched_images(_request("https://a.example/a"), rich, fetch=fetch)
        assert refusal.value.param == "messages[0].content[0].image_url.url"


def test_no_more_requests_fetch_at_once_than_may(
    rich: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_request, "FETCH_S", 0.05)
    with contextlib.ExitStack() as taken:
        for _ in range(in_request.MAX_FETCHING):
            taken.enter_context(in_request._fetching)
        with pytest.raises(Overloaded):
            with_fetched_images(_request("https://a.example/a"), rich)


def test_a_message_knows_the_field_of_each_remote_picture() -> None:
    url = "https://pictures.example/a.png"
    parts = [
        {"type": "text", "text": "Что это?"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "image_url", "image_url": url},
        {"type": "image_url", "image_url": "data:image/png;base64,iVBORw0KGgo="},
    ]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}

    images = read_completion_request(body, is_strict=False).request.messages[0].images

    assert [image.param for image in images if isinstance(image, RemoteImage)] == [
        "messages[0].content[1].image_url.url",
        "messages[0].content[2].image_url",
    ]
    assert not isinstance(images[2], RemoteImage)
