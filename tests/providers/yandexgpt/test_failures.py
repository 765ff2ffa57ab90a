"""Every refusal becomes the right error, and says nothing it should not."""

import json
from typing import Any

import pytest

from gateway.providers._shared.redaction import redact
from gateway.providers.errors import (
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.failures import error_from_response, read_body

SHAPES = [
    {"error": {"grpcCode": 3, "httpCode": 400, "message": "bad field", "details": []}},
    {"code": 3, "message": "bad field", "details": []},
    {"error_code": "INVALID_ARGUMENT", "error_message": "bad field"},
    {"error": "bad field"},
]


def failed(status: int, body: Any = None, retry_after_s: float | None = None) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(status, raw, redact=redact, retry_after_s=retry_after_s)


@pytest.mark.parametrize("body", SHAPES)
def test_every_shape_of_body_is_understood(body: Any) -> None:
    assert read_body(json.dumps(body).encode()).text == "bad field"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[1]", b"7", b"null", b"{}"])
def test_a_body_of_no_shape_still_makes_an_error(body: bytes) -> None:
    assert type(failed(502, body)) is ProviderUnavailable
    assert type(failed(400, body)) is ProviderRejected


def test_an_error_bears_the_text_of_the_body() -> None:
    error = failed(503, SHAPES[0])
    assert (type(error), error.status, error.provider) == (ProviderUnavailable, 503, "yandexgpt")
    assert error.raw == "bad field"


def test_a_context_overflow_is_named() -> None:
    text = "Number of input tokens must be no more than 8192, got 9136"
    error = failed(400, {"error": {"message": text}})
    assert isinstance(error, ProviderRejected)
    assert error.context_length_exceeded
    assert error.message == text


def test_another_rejection_is_no_context_overflow() -> None:
    error = failed(400, SHAPES[0])
    assert isinstance(error, ProviderRejected)
    assert not error.context_length_exceeded


def test_what_looks_like_a_secret_is_taken_out() -> None:
    error = failed(400, {"message": "no access with t1.9euelZqOnJOKlcrPj, ask again"})
    assert error.raw == error.message == "no access with ***, ask again"
