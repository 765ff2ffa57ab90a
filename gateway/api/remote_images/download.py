"""Download one picture from a public address, within bounds of bytes and time."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

import certifi

from gateway.api.remote_images.public_address import public_address
from infra.cut_at import cut_at

MAX_URL_CHARACTERS = 2048
MAX_IMAGE_BYTES = 10 * 1024 * 1024
READ_BYTES = 65_536
PORTS = {"http": 80, "https": 443}
HEADERS = {
    "Accept": "image/jpeg, image/png, image/webp, image/gif, image/tiff, image/bmp",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "XRouter",
}

Resolve = Callable[[str, int, float], Sequence[str]]
"""Returns the addresses of a host and port as texts, within so many seconds. Raises OSError."""
Connect = Callable[[str, int, float], socket.socket]
"""Connects to an address that was judged. Raises OSError."""


class ImageNotFetched(Exception):
    """Why there is no picture, as the end of a sentence that begins with the field."""


@dataclass(frozen=True, slots=True)
class ImageAddress:
    """A picture's address that may be asked for, once the host's own addresses are judged."""

    host: str
    port: int
    target: str
    is_https: bool

    @property
    def netloc(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def read_address(url: str) -> ImageAddress:
    """Read the URL of a picture. Raises ImageNotFetched."""
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or " " in url or "\\" in url:
        raise ImageNotFetched(
            f"must be a URL of {MAX_URL_CHARACTERS} characters at most, without spaces."
        )
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError:
        raise ImageNotFetched("is not a URL.") from None
    port = PORTS.get(parts.scheme)
    if port is None or not parts.hostname:
        raise ImageNotFetched("must begin with https:// or http://, or be a data URL.")
    if "@" in parts.netloc:
        raise ImageNotFetched("may bear no name and password.")
    if given_port is not None and given_port not in PORTS.values():
        raise ImageNotFetched("may name port 80 or 443 alone.")
    return ImageAddress(
        host=_host(parts.hostname),
        port=port if given_port is None else given_port,
        target=_target(parts),
        is_https=parts.scheme == "https",
    )


def resolve(host: str, port: int, timeout_s: float) -> Sequence[str]:
    """Look a host up in a thread of its own, for the system's resolver knows no deadline."""
    found: list[str] = []
    is_done = threading.Event()

    def look_up() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(address[0]) for *_, address in answers)
        is_done.set()

    threading.Thread(target=look_up, name="image-host", daemon=True).start()
    if not is_done.wait(timeout_s):
        raise TimeoutError
    return found


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    """Open a TCP connection to an address, which is no name that could lead elsewhere now."""
    return socket.create_connection((address, port), timeout_s)


def download(
    image_address: ImageAddress,
    *,
    deadline_s: float,
    max_bytes: int = MAX_IMAGE_BYTES,
    resolve: Resolve = resolve,
    connect: Connect = connect,
) -> bytes:
    """Return what stands at the address, until `deadline_s` of `time.monotonic()`.

    The host is looked up once, and every address of it must be public; one of these very addresses is
    connected to. Redirects are not followed. Raises ImageNotFetched.
    """
    address = _judged(image_address, deadline_s, resolve)
    try:
        with contextlib.ExitStack() as stack:
            connected = connect(address, image_address.port, _left_s(deadline_s))
            stack.enter_context(connected)
            stack.enter_context(cut_at(deadline_s, connected))
            if image_address.is_https:
                connected = stack.enter_context(_secured(connected, image_address.host))
            return _read(connected, image_address, deadline_s, max_bytes)
    except (OSError, ValueError, http.client.HTTPException) as error:
        if time.monotonic() >= deadline_s or isinstance(error, TimeoutError):
            raise ImageNotFetched("did not answer in time.") from error
        raise ImageNotFetched("could not be fetched: its server does not answer.") from error


def _host(hostname: str) -> str:
    """Return the host as DNS and TLS have it. Raises ImageNotFetched for numbers that are no plain address."""
    refusal = ImageNotFetched("must name a host on the public network.")
    if ":" in hostname or hostname.endswith("."):
        if public_address(hostname) is None:
            raise refusal
        return hostname
    try:
        host = hostname.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise refusal from None
    try:  # decimal, octal, hexadecimal and short forms, as the system's resolver takes them
        socket.inet_aton(host)
    except OSError:
        return host
    if public_address(host) is None:
        raise refusal
    return host


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return f"{path}?{query}" if query else path


def _judged(image_address: ImageAddress, deadline_s: float, resolve: Resolve) -> str:
    """Return an address of the host. Raises ImageNotFetched, also where only one of them is not public."""
    try:
        found = resolve(image_address.host, image_address.port, _left_s(deadline_s))
    except OSError as error:
        raise ImageNotFetched("did not answer in time.") from error
    judged = [public_address(text) for text in found]
    if not judged or judged[0] is None or None in judged:
        raise ImageNotFetched("must name a host on the public network.")
    return judged[0]


def _secured(connected: socket.socket, host: str) -> ssl.SSLSocket:
    """Speak TLS; the certificate must be the host's."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(connected, server_hostname=host)


def _read(
    connected: socket.socket, image_address: ImageAddress, deadline_s: float, max_bytes: int
) -> bytes:
    exchange = http.client.HTTPConnection(image_address.host, image_address.port)
    exchange.sock = connected
    exchange.auto_open = 0  # it never connects by itself, which would be to a name
    is_usual = image_address.port == PORTS["https" if image_address.is_https else "http"]
    host = image_address.netloc if is_usual else f"{image_address.netloc}:{image_address.port}"
    exchange.request("GET", image_address.target, headers={"Host": host, **HEADERS})
    with exchange.getresponse() as answer:
        if 300 <= answer.status < 400:
            raise ImageNotFetched("leads to another address: name that one.")
        if answer.status != 200:
            raise ImageNotFetched(f"could not be fetched: its server answers {answer.status}.")
        too_large = ImageNotFetched(f"is larger than {max_bytes} bytes.")
        if answer.length is not None and answer.length > max_bytes:
            raise too_large
        pieces: list[bytes] = []
        size = 0
        while piece := answer.read1(READ_BYTES):
            size += len(piece)
            if size > max_bytes:
                raise too_large
            pieces.append(piece)
        if time.monotonic() >= deadline_s:
            raise TimeoutError
        if answer.length:
            raise ImageNotFetched("could not be fetched: its server broke off.")
    return b"".join(pieces)


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise ImageNotFetched("did not answer in time.")
    return left_s
