"""Refusals of GigaChat -> errors."""

import pytest

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.gigachat.failures import RAW_CHARS_MAX, refusal, retry_after_s, scrubbed

NOW_S = 1_795_300_000.0  # Saturday, 21 November 2026, 22:26:40 GMT


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ProviderRejected),
        (401, ProviderAuthError),
        (402, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderUnavailable),
        (405, ProviderUnavailable),
        (408, ProviderTimeout),
        (413, ProviderRejected),
        (422, ProviderRejected),
        (429, ProviderRateLimited),
        (302, ProviderUnavailable),
        (307, ProviderUnavailable),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
    ],
)
def test_every_status_is_an_error_of_its_kind(status: int, kind: type[ProviderError]):
    error = refusal(status, b'{"status": 1, "message": "why"}')
    assert (type(error), error.status, error.provider) == (kind, status, "gigachat")
    assert error.raw == '{"status": 1, "message": "why"}'


def test_a_rejection_says_what_the_provider_says():
    error = refusal(422, '{"status":422,"message":"Неверный параметр"}'.encode())
    assert error.message == "Неверный параметр"
    assert isinstance(error, ProviderRejected)
    assert not error.context_length_exceeded


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (413, "Payload too large"),
        (422, "Invalid params: too many tokens"),
        (400, "Prompt exceeds the context window"),
        (422, "Превышен контекст модели"),
    ],
)
def test_a_prompt_too_long_is_known_for_what_it_is(status: int, message: str):
    error = refusal(status, f'{{"message": "{message}"}}'.encode())
    assert isinstance(error, ProviderRejected)
    assert error.context_length_exceeded


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body><h1>403 Forbidden</h1></body></html>",
        b"[]",
        b"null",
        b'{"message": 5}',
        b'{"message": " "}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [400, 403, 503])
def test_any_body_survives(status: int, body: bytes):
    error = refusal(status, body)
    assert error.message
    assert error.raw is not None
    assert len(error.raw) <= RAW_CHARS_MAX


def test_secrets_are_in_neither_message_nor_raw_even_across_the_cut():
    body = b'{"message": "bad token abcdefgh-token"}' + b" " * 1_980 + b"abcdefgh-token"
    error = refusal(400, body, secrets=["abcdefgh-token"])
    assert "abcdefgh" not in error.message
    assert "abcdefgh" not in (error.raw or "")


def test_a_secret_too_short_to_be_one_is_left_alone():
    assert scrubbed("test of id", ["test", "id"]) == "test of id"


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sat, 21 Nov 2026 22:27:10 GMT", 30.0),
        ("Sat, 21 Nov 2026 22:27:10", 30.0),
        ("Sat, 21 Nov 2020 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_in_either_form(header: str | None, wait_s: float | None):
    assert retry_after_s(header, NOW_S) == wait_s


def test_too_many_requests_pass_the_wait_on():
    error = refusal(429, b"{}", retry_after="9", now_s=NOW_S)
    assert error.retry_after_s == 9.0
