"""One POST to a token endpoint, within a total time and without state between requests."""

import functools
import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from gateway.providers._shared.causes import cause_of
from gateway.providers._shared.tls import client_context
from gateway.providers.errors import (
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)
from infra.bounded_http import BoundedAdapter

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
    adapter = BoundedAdapter(
        connect_timeout_s=connect_timeout_s,
        total_s=min(read_timeout_s, TOTAL_TIMEOUT_S),
        bytes_max=_ANSWER_BYTES_MAX,
        tls=tls or _usual_trust(),
    )
    try:
        with _session(adapter) as session:
            response = session.post(
                url, data=form, json=json, headers=headers, allow_redirects=False
            )
    except requests.exceptions.ContentDecodingError:
        raise no_token(provider) from None
    except requests.ReadTimeout:
        text = "The provider's token endpoint is too slow."
        raise ProviderTimeout(text, provider=provider) from None
    except (requests.RequestException, OSError) as error:
        raise _unavailable(provider, error, url) from None
    return response.status_code, response.content


def no_token(provider: str) -> ProviderProtocolError:
    """Make the error for an answer of success that holds no token."""
    return ProviderProtocolError(
        "The provider's token endpoint gave no token.", provider=provider, status=200
    )


_usual_trust = functools.cache(client_context)


def _session(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _unavailable(provider: str, error: BaseException, url: str) -> ProviderUnavailable:
    unavailable = ProviderUnavailable("The provider's token endpoint is away.", provider=provider)
    unavailable.cause = cause_of(error, host=urlsplit(url).netloc)
    return unavailable
