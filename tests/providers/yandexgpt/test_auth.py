"""IAM tokens are exchanged seldom; every failure of the exchange has its kind."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.providers._shared import token_request
from gateway.providers._shared.credentials import RenewedToken
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.auth import iam_token
from tests.providers import canned
from tests.providers.canned import CannedRequest, CannedServer, Step
from tests.providers.yandexgpt.canned_server import Canned, CannedYandexServer

NOW_S = 1_800_000_000.0
HOUR_S = 3600.0
Serve = Callable[..., CannedYandexServer]
Key = dict[str, str]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def issued(name: str, life_s: float = 12 * HOUR_S, **options: Any) -> Canned:
    expires = datetime.fromtimestamp(NOW_S + life_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return Canned.json({"iamToken": f"t1.{name}", "expiresAt": f"{expires}.123456789Z"}, **options)


def tokens(
    server: CannedYandexServer, key: Key, clock: Callable[[], float] | None = None
) -> RenewedToken:
    return iam_token(key, iam_url=f"{server.origin}/iam/v1/tokens", now_s=clock or Clock())


def test_a_token_is_exchanged_once_and_kept(serve: Serve, service_account_key: Key) -> None:
    server = serve(issued("one"))
    credential = tokens(server, service_account_key)
    assert {credential.authorization() for _ in range(5)} == {"Bearer t1.one"}
    assert len(server.asked) == 1
    assert credential.secrets() == ("t1.one",)


def test_the_exchange_bears_no_authorization(serve: Serve, service_account_key: Key) -> None:
    server = serve(issued("one"))
    tokens(server, service_account_key).authorization()
    assert "authorization" not in server.asked[0].headers
    assert set(server.asked[0].body) == {"jwt"}
    assert server.asked[0].path == "/iam/v1/tokens"


def test_a_token_is_renewed_at_half_of_a_short_life(serve: Serve, service_account_key: Key) -> None:
    server, clock = serve(issued("one", life_s=600), issued("two")), Clock()
    credential = tokens(server, service_account_key, clock)
    credential.authorization()
    clock.now_s = NOW_S + 299
    assert credential.authorization() == "Bearer t1.one"
    clock.now_s = NOW_S + 301
    assert credential.authorization() == "Bearer t1.two"


def test_a_clock_far_ahead_does_not_exchange_at_every_request(
    serve: Serve, service_account_key: Key
) -> None:
    server = serve(issued("one", life_s=-HOUR_S))
    credential = tokens(server, service_account_key)
    credential.authorization()
    credential.authorization()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Canned.json({"code": 16, "message": "no"}, 401), ProviderAuthError),
        (Canned.json({"code": 3, "message": "no"}, 400), ProviderAuthError),
        (Canned.json({"code": 7, "message": "no"}, 403), ProviderAuthError),
        (Canned(408), ProviderTimeout),
        (Canned(429), ProviderRateLimited),
        (Canned(500), ProviderUnavailable),
        (Canned(302, headers={"Location": "http://127.0.0.1:9/"}), ProviderUnavailable),
        (Canned(200, [b"<html>"]), ProviderProtocolError),
        (Canned.json([]), ProviderProtocolError),
        (Canned.json({"iamToken": "t1.one"}), ProviderProtocolError),
        (Canned.json({"iamToken": 1, "expiresAt": "2030-01-01T00:00:00Z"}), ProviderProtocolError),
        (
            Canned.json({"iamToken": "a\nb", "expiresAt": "2030-01-01T00:00:00Z"}),
            ProviderProtocolError,
        ),
        (Canned.json({"iamToken": "t1.one", "expiresAt": "tomorrow"}), ProviderProtocolError),
        (Canned.json({"iamToken": "t1.one", "expiresAt": 5}), ProviderProtocolError),
        (Canned(200, [b"x" * 70_000]), ProviderProtocolError),
        (Canned(200, [b'{"iam'], cut=True), ProviderUnavailable),
    ],
)
def test_every_failure_of_the_exchange_has_its_kind(
    serve: Serve, service_account_key: Key, answer: Canned, kind: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        tokens(serve(answer), service_account_key).authorization()
    assert raised.type is kind


def test_a_failure_says_nothing_of_the_assertion(serve: Serve, service_account_key: Key) -> None:
    server = serve(Canned.json({"code": 16, "message": "bad eyJhbGci.eyJpc3Mi.c2ln here"}, 401))
    with pytest.raises(ProviderAuthError) as raised:
        tokens(server, service_account_key).authorization()
    assert raised.value.raw == "bad *** here"


def test_nobody_listening_is_unavailable(service_account_key: Key) -> None:
    with CannedYandexServer(issued("one")) as server:
        credential = tokens(server, service_account_key)
    with pytest.raises(ProviderUnavailable):
        credential.authorization()


def test_an_exchange_that_drips_is_cut(
    serve: Serve, service_account_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_request, "TOTAL_TIMEOUT_S", 0.3)
    server = serve(Canned(200, [b" "] * 200, pause_s=0.1))
    started = time.monotonic()
    with pytest.raises(ProviderTimeout):
        tokens(server, service_account_key).authorization()
    assert time.monotonic() - started < 15


def test_an_exchange_that_drips_its_head_is_cut_too(
    service_account_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_request, "TOTAL_TIMEOUT_S", 0.3)
    token = b'{"iamToken": "t1.one", "expiresAt": "2030-01-01T00:00:00Z"}'
    answer = canned.reply(token, X="y" * 100)
    sent = bytearray()

    def drip(_: CannedRequest) -> Iterator[Step]:
        for byte in answer:
            yield 0.02
            yield bytes([byte])
            sent.append(byte)

    with CannedServer(drip) as server:
        credential = iam_token(service_account_key, iam_url=f"{server.url}/iam/v1/tokens")
        with pytest.raises(ProviderTimeout):
            credential.authorization()
    assert len(sent) < len(answer) - len(token)


@pytest.mark.parametrize(
    "spoilt", [{"private_key": "nonsense"}, {"id": None, "private_key": ""}, {"private_key": None}]
)
def test_a_key_file_that_is_none_is_refused_without_its_content(
    service_account_key: Key, spoilt: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="yc iam key create"):
        iam_token({**service_account_key, **spoilt}, iam_url="http://127.0.0.1:9/")


def test_a_key_of_another_kind_is_refused(service_account_key: Key) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ValueError, match="RSA"):
        iam_token({**service_account_key, "private_key": pem.decode()}, iam_url="http://a/")


def test_a_key_file_without_a_field_is_refused(service_account_key: Key) -> None:
    for missing in ("id", "service_account_id", "private_key"):
        rest = {name: value for name, value in service_account_key.items() if name != missing}
        with pytest.raises(ValueError, match="yc iam key create"):
            iam_token(rest, iam_url="http://127.0.0.1:9/")
