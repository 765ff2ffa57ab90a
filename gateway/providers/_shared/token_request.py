"""One POST to a token endpoint, within a total time and without state between requests."""

import functools
import ssl
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError

from gateway.providers._shared.causes import cause_of
from gateway.providers._shared.tls import client_context
from gateway.providers.errors import (
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)

TOTAL_TIMEOUT_S = 5.0
"""The longest wait for an answer: nothing can be said to the caller of a stream meanwhile."""
_ANSWER_BYTES_MAX = 64 * 1024


def post_for_token(
    url: str,
    *,
    provider: str,
    connect_timeout_s: float,
    read_timeout_s: float,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Mapping[str, Any] | None = None,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """POST a form or JSON and return status and body.

    Raises ProviderTimeout, ProviderUnavailable, or ProviderProtocolError on a body of too many bytes.
    None of them quotes the request, which is a secret.
    """
    deadline_s = time.monotonic() + TOTAL_TIMEOUT_S
    try:
        with (
            _session(tls or _usual_trust()) as session,
            session.post(
                url,
                data=form,
                json=json,
                headers=headers,
                timeout=(connect_timeout_s, min(read_timeout_s, TOTAL_TIMEOUT_S)),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return response.status_code, _read(response, deadline_s, provider)
    except requests.ConnectTimeout as error:
        raise _unavailable(provider, error, url) from None
    except requests.Timeout:
        raise _late(provider) from None
    except (requests.RequestException, OSError) as error:
        if error.args and isinstance(error.args[0], ReadTimeoutError):  # within the body
            raise _late(provider) from None
        raise _unavailable(provider, error, url) from None


def no_token(provider: str) -> ProviderProtocolError:
    """Make the error for an answer of success that holds no token."""
    return ProviderProtocolError(
        "The provider's token endpoint gave no token.", provider=provider, status=200
    )


_usual_trust = functools.cache(client_context)


class _TrustingAdapter(HTTPAdapter):
    """Trusts what a TLS context does, and no file beside it."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._tls)

    def cert_verify(self, *_: Any) -> None:
        """Leave the context as it is."""


def _session(tls: ssl.SSLContext) -> requests.Session:
    session = requests.Session()
    session.mount("https://", _TrustingAdapter(tls))
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _read(response: requests.Response, deadline_s: float, provider: str) -> bytes:
    """Read the body within the total time: a timeout of `requests` counts from byte to byte."""
    body = bytearray()
    for piece in response.iter_content(chunk_size=1):  # a larger piece would be waited for
        body += piece
        if time.monotonic() > deadline_s:
            raise _late(provider)
        if len(body) > _ANSWER_BYTES_MAX:
            raise no_token(provider)
    return bytes(body)


def _late(provider: str) -> ProviderTimeout:
    return ProviderTimeout("The provider's token endpoint is too slow.", provider=provider)


def _unavailable(provider: str, error: BaseException, url: str) -> ProviderUnavailable:
    unavailable = ProviderUnavailable("The provider's token endpoint is away.", provider=provider)
    unavailable.cause = cause_of(error, host=urlsplit(url).netloc)
    return unavailable
