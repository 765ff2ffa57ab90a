"""Logs a person in from a local program: OAuth 2.0 with PKCE, back to a port of this machine."""

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PATH = "/callback"
TIMEOUT_S = 300.0
_PAGE = (
    "<!doctype html><meta charset=utf-8><title>XRouter</title>"
    "<p>Готово, окно можно закрыть. You may close this window."
)


class LoginFailed(Exception):
    """The person said no, did not come back in time, or the service refused the code."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: what `XRouter(api_key=…)` takes. `expires_in` are seconds."""

    access_token: str
    scopes: frozenset[str]
    expires_in: int


def login(
    client_id: str,
    *,
    base_url: str,
    scopes: Iterable[str] = ("chat",),
    port: int = 0,
    timeout_s: float = TIMEOUT_S,
    show: Callable[[str], object] = webbrowser.open,
) -> Token:
    """Open the consent page and return the token that the person lets the program have.

    `client_id` is a public application that has the redirect address `http://127.0.0.1/callback`; any port
    goes with it, and 0 takes a free one. `show` is given the page's address. Raises LoginFailed.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    server = _Callback(("127.0.0.1", port), _Handler)
    server.state = state
    with server:
        redirect_uri = f"http://127.0.0.1:{server.server_port}{PATH}"
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
        show(f"{origin}/oauth/authorize?{urlencode(query)}")
        code = server.wait_for_code(timeout_s)
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    granted = _post(f"{origin}/oauth/token", form, timeout_s)
    return Token(
        granted["access_token"], frozenset(granted["scope"].split()), int(granted["expires_in"])
    )


class _Callback(HTTPServer):
    """Waits on loopback for the browser to come back with a code, and for no other visit."""

    state: str
    answer: dict[str, str] | None = None

    def wait_for_code(self, timeout_s: float) -> str:
        give_up_s = time.monotonic() + timeout_s
        while self.answer is None:
            self.timeout = give_up_s - time.monotonic()
            if self.timeout <= 0:
                raise LoginFailed("Nobody came back from the consent page in time.")
            self.handle_request()
        if "code" not in self.answer:
            raise LoginFailed(self.answer.get("error_description") or self.answer.get("error", ""))
        return self.answer["code"]


class _Handler(BaseHTTPRequestHandler):
    server: _Callback
    timeout = 10  # a visitor who says nothing must not keep the browser waiting

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        fields = {name: values[0] for name, values in parse_qs(address.query).items()}
        is_ours = address.path == PATH and secrets.compare_digest(
            fields.get("state", "").encode(), self.server.state.encode()
        )
        self.send_response(200 if is_ours else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if is_ours:
            self.wfile.write(_PAGE.encode())
            self.server.answer = fields

    def log_message(self, *arguments: Any) -> None:
        """Say nothing: the address bears the code."""


def _post(url: str, form: dict[str, str], timeout_s: float) -> dict[str, Any]:
    request = urllib.request.Request(url, urlencode(form).encode(), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise LoginFailed(f"{error.code}: {error.read(2000).decode(errors='replace')}") from None
    except OSError as error:
        raise LoginFailed(str(error)) from error
    return answer
