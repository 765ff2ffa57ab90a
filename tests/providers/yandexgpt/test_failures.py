"""Every refusal becomes the right error, and says nothing it should not."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.failures import RAW_CHARS, complaint, failure, scrub

SHAPES = [
    {"error": {"grpcCode": 3, "httpCode": 400, "message": "bad field", "details": []}},
    {"code": 3, "message": "bad field", "details": []},
    {"error_code": "INVALID_ARGUMENT", "error_message": "bad field"},
    {"error": "bad field"},
]


def failed(status: int, body: Any = None, **headers: str) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(status, raw, scrub=scrub, headers=headers)


@pytest.mark.parametrize("body", SHAPES)
def test_every_shape_of_body_is_understood(body: Any) -> None:
    assert complaint(json.dumps(body).encode()).text == "bad field"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[1]", b"7", b"null", b"{}"])
def test_a_body_of_no_shape_still_makes_an_error(body: bytes) -> None:
    assert type(failed(502, body)) is ProviderUnavailable
    assert type(failed(400, body)) is ProviderRejected


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ProviderUnavailable),
        (400, ProviderRejected),
        (401, ProviderAuthError),
        (402, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderUnavailable),
        (408, ProviderTimeout),
        (409, ProviderUnavailable),
        (413, ProviderRejected),
        (422, ProviderRejected),
        (429, ProviderRateLimited),
        (499, ProviderUnavailable),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
        (504, ProviderUnavailable),
    ],
)
def test_every_status_has_its_kind(status: int, kind: type[ProviderError]) -> None:
    error = failed(status, SHAPES[0])
    assert type(error) is kind
    assert (error.status, error.raw, error.provider) == (status, "bad field", "yandexgpt")


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


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("-1", None), ("soon", None), ("", None)]
)
def test_retry_after_in_seconds_is_read(value: str, seconds: float | None) -> None:
    assert failed(429, None, **{"retry-after": value}).retry_after_s == seconds


def test_retry_after_as_a_date_is_read() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    wait_s = failed(429, None, **{"retry-after": then}).retry_after_s
    assert wait_s is not None
    assert 3000 < wait_s <= 3600


def test_a_date_that_has_passed_means_now() -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert failed(429, None, **{"retry-after": past}).retry_after_s == 0.0


SECRETS = [
    "t1.9euelZqOnJOKlcrPjZ2Mns6YkYrMi-3rnpWaz5bKnZ",
    "AQVNzmFkZXVwYmVpbmdhcGlrZXk",
    "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamUifQ.c2lnbmF0dXJl",
    "b1gvmob95yysaplct532",
    "ajehr6tv2eoo3isdbv5e",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_taken_out(secret: str) -> None:
    error = failed(400, {"message": f"no access with {secret}, ask again"})
    assert error.raw == error.message == "no access with ***, ask again"


def test_known_secrets_of_any_look_are_taken_out() -> None:
    assert scrub("key=hunter2; hunter2", secrets=("hunter2", "")) == "key=***; ***"


def test_a_long_text_is_cut() -> None:
    error = failed(500, b"x" * 10 * RAW_CHARS)
    assert error.raw is not None
    assert len(error.raw) == RAW_CHARS
