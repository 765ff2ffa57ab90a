"""Refusals of GigaChat -> errors."""

from collections.abc import Sequence
from functools import partial

import pytest

from gateway.providers._shared.error_responses import RAW_CHARS_MAX
from gateway.providers._shared.redaction import redact
from gateway.providers.errors import (
    ModelUnpaid,
    ProviderAuthError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.gigachat.failures import error_from_response


def refusal(
    status: int, body: bytes, secrets: Sequence[str] = (), retry_after_s: float | None = None
) -> ProviderError:
    return error_from_response(
        status, body, redact=partial(redact, secrets=secrets), retry_after_s=retry_after_s
    )


def test_an_error_bears_the_whole_body():
    error = refusal(503, b'{"status": 1, "message": "why"}')
    assert (type(error), error.status, error.provider) == (ProviderUnavailable, 503, "gigachat")
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
    ("status", "kind"),
    [(401, ProviderAuthError), (402, ModelUnpaid), (403, ProviderAuthError)],
)
def test_a_package_that_is_used_up_is_that_of_one_model(status: int, kind: type[ProviderError]):
    assert type(refusal(status, b'{"status": 402, "message": "Payment Required"}')) is kind


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
