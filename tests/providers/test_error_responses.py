"""Every status of a refusal is an error of its kind, whichever provider sends it."""

import pytest

from gateway.providers._shared.error_responses import RAW_CHARS_MAX, ErrorBody, error_from_status
from gateway.providers._shared.redaction import redact
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)


def refused(
    status: int, text: str = "why", raw: str = "raw", retry_after_s: float | None = None
) -> ProviderError:
    return error_from_status(
        status,
        ErrorBody(text),
        raw=raw,
        provider="server",
        redact=redact,
        retry_after_s=retry_after_s,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ProviderUnavailable),
        (302, ProviderUnavailable),
        (307, ProviderUnavailable),
        (400, ProviderRejected),
        (401, ProviderAuthError),
        (402, ProviderAuthError),
        (403, ProviderAuthError),
        (404, ProviderUnavailable),
        (405, ProviderUnavailable),
        (408, ProviderTimeout),
        (409, ProviderUnavailable),
        (413, ProviderRejected),
        (422, ProviderRejected),
        (429, ProviderRateLimited),
        (499, ProviderUnavailable),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
        (504, ProviderUnavailable),
        (529, ProviderUnavailable),
    ],
)
def test_every_status_has_its_kind(status: int, kind: type[ProviderError]) -> None:
    error = refused(status)
    assert type(error) is kind
    assert (error.status, error.raw, error.provider) == (status, "raw", "server")


def test_a_rejection_says_what_the_provider_says() -> None:
    assert refused(400, "Неверно").message == "Неверно"
    assert refused(400, "").message


def test_a_long_text_is_cut_behind_its_secrets() -> None:
    error = refused(400, raw=" " * (RAW_CHARS_MAX - 5) + "sk-abcdefghijkl" + "x" * RAW_CHARS_MAX)
    assert error.raw is not None
    assert error.raw.strip() == "***"
    assert len(refused(500, raw="x" * 10 * RAW_CHARS_MAX).raw or "") == RAW_CHARS_MAX


def test_too_many_requests_pass_the_wait_on() -> None:
    assert refused(429, retry_after_s=9.0).retry_after_s == 9.0
