"""A token endpoint that refuses, fails or talks nonsense, and what it must not learn or leak."""

import pytest

from gateway.providers._shared.credentials import RenewedToken
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.gigachat.auth import access_token
from tests.providers.canned import reply
from tests.providers.gigachat.upstream import KEY, GigaChatUpstream


@pytest.fixture
def tokens(upstream: GigaChatUpstream) -> RenewedToken:
    return access_token(
        auth_url=f"{upstream.url}/oauth", credentials=KEY, scope="GIGACHAT_API_PERS"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ProviderAuthError),
        (401, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderAuthError),
        (408, ProviderTimeout),
        (429, ProviderRateLimited),
        (302, ProviderUnavailable),
        (500, ProviderUnavailable),
    ],
)
def test_a_refusal_of_the_token_is_an_error_of_its_kind(
    upstream: GigaChatUpstream, tokens: RenewedToken, status: int, kind: type[ProviderError]
):
    answer = reply('{"code": 5, "message": "scope is empty"}', status=status, Location="/oauth")
    upstream.token_answer = lambda _: [answer]
    with pytest.raises(kind) as caught:
        tokens.authorization()
    assert caught.value.status == status
    assert len(upstream.token_requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"access_token": ""}',
        b'{"access_token": 5}',
        b'{"access_token": "a\\nb"}',
        b'{"access_token": "\xd1\x8f"}',
        b'"' + b"x" * 100_000 + b'"',
    ],
)
def test_an_answer_without_a_token_is_a_protocol_error(
    upstream: GigaChatUpstream, tokens: RenewedToken, body: bytes
):
    upstream.token_answer = lambda _: [reply(body)]
    with pytest.raises(ProviderProtocolError):
        tokens.authorization()


def test_a_token_endpoint_that_is_away_is_unavailable(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    upstream.token_answer = lambda _: ["reset"]
    with pytest.raises(ProviderUnavailable):
        tokens.authorization()


def test_a_silent_token_endpoint_is_a_timeout(upstream: GigaChatUpstream, tokens: RenewedToken):
    upstream.token_answer = lambda _: ["hold"]
    with pytest.raises(ProviderTimeout):
        tokens.authorization()


def test_cookies_of_the_token_endpoint_are_not_kept(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    token = b'{"access_token": "t", "expires_at": 1}'
    upstream.token_answer = lambda _: [reply(token, Set_Cookie="a=b; Path=/")]
    tokens.renew(tokens.authorization())
    assert "cookie" not in upstream.token_requests[1].headers


def test_netrc_and_proxies_of_the_environment_are_not_used(
    upstream: GigaChatUpstream,
    tokens: RenewedToken,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
):
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    tokens.authorization()
    assert upstream.token_requests[0].headers["authorization"] == f"Basic {KEY}"


@pytest.mark.parametrize("key", ["ключ", "a\0b"])
def test_a_key_that_cannot_be_base64_is_refused_without_showing_it(key: str):
    with pytest.raises(ValueError, match="base64") as caught:
        access_token(auth_url="http://127.0.0.1", credentials=key, scope="s")
    assert key not in str(caught.value)


def test_secrets_are_the_key_its_halves_and_the_token(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    lasting = {KEY, "client-id-0001", "client-secret-0002"}
    assert set(tokens.secrets()) == lasting
    token = tokens.authorization().removeprefix("Bearer ")
    assert set(tokens.secrets()) == {*lasting, token}


def test_a_refusal_that_quotes_our_secrets_is_scrubbed(
    upstream: GigaChatUpstream, tokens: RenewedToken
):
    quoted = f'{{"code": 6, "message": "no {KEY} of client-id-0001"}}'
    upstream.token_answer = lambda _: [reply(quoted, status=401)]
    with pytest.raises(ProviderAuthError) as caught:
        tokens.authorization()
    assert caught.value.raw == '{"code": 6, "message": "no *** of ***"}'
