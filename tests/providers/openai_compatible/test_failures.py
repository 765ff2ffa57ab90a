"""Refusals -> errors."""

from typing import Any

import orjson
import pytest

from gateway.providers._shared.error_responses import RAW_CHARS_MAX
from gateway.providers.errors import (
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.openai_compatible.failures import error_from_response
from tests.providers.openai_compatible.upstream import KEY, NAME


def refused(status: int, body: Any = b"", **headers: Any) -> ProviderError:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return error_from_response(
        status, raw, provider=NAME, redact=lambda text: text.replace(KEY, "***"), **headers
    )


def test_an_error_bears_the_whole_body() -> None:
    body = {"error": {"message": "why", "code": 418}}
    error = refused(503, body)
    assert (type(error), error.status, error.provider) == (ProviderUnavailable, 503, NAME)
    assert error.raw == orjson.dumps(body).decode()


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Неверно", "type": "invalid_request_error", "code": None}},
        {"object": "error", "message": " Неверно ", "code": 400},
        {"error": "Неверно"},
        {"detail": "Неверно"},
        {"detail": [{"loc": ["body", "n"], "msg": "Неверно"}]},
        "Неверно",
    ],
)
def test_a_rejection_says_what_the_provider_says(body: Any) -> None:
    error = refused(400, body)
    assert error.message == "Неверно"
    assert isinstance(error, ProviderRejected)
    assert not error.context_length_exceeded


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too long", "code": "context_length_exceeded"}},
        {"error": {"message": "too long", "type": "exceed_context_size_error", "code": 400}},
        {"error": {"message": "This model's maximum context length is 4096 tokens.", "code": 400}},
        {"object": "error", "message": "This model's Maximum Context Length is 4096 tokens."},
        {"message": "The prompt (length 9) is longer than the maximum model length of 8."},
        {"error": {"message": "the input length exceeds the context length"}},
        {"error": "the input length exceeds the context length"},
        {"error": {"message": "the request exceeds the available context size"}},
        {"error": {"message": "Number of input tokens must be no more than 32768, got 40000"}},
    ],
)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_prompt_too_long_is_known_for_what_it_is(status: int, body: Any) -> None:
    error = refused(status, body)
    assert isinstance(error, ProviderRejected)
    assert error.context_length_exceeded


def test_a_body_too_large_for_a_proxy_is_no_context_overflow() -> None:
    error = refused(413, b"<html><h1>413 Request Entity Too Large</h1></html>")
    assert isinstance(error, ProviderRejected)
    assert not error.context_length_exceeded


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body><h1>403 Forbidden</h1></body></html>",
        b"[]",
        b"null",
        b'{"error": null}',
        b'{"error": []}',
        b'{"error": {"message": 5, "code": [], "type": {}}}',
        b'{"detail": [5, {"msg": 5}]}',
        b'{"message": " "}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [400, 403, 503])
def test_any_body_survives(status: int, body: bytes) -> None:
    error = refused(status, body)
    assert error.message
    assert error.raw is not None
    assert len(error.raw) <= RAW_CHARS_MAX


def test_secrets_are_in_neither_message_nor_raw_even_across_the_cut() -> None:
    body = b'{"message": "bad key %s"}' % KEY.encode()
    error = refused(400, body + b" " * (1_990 - len(body)) + KEY.encode())
    assert error.message == "The provider rejects this request."
    assert KEY[:8] not in (error.raw or "")
    assert refused(400, body).message == "bad key ***"
