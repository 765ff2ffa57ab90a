"""Every fault that the emulated GigaChat knows, and what the adapter makes of it."""

import time
from typing import Any, get_args

import pytest

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.http_client import Countdown
from gateway.sandbox import faults
from gateway.sandbox.faults import Fault
from gateway.sandbox.server import Sandbox
from tests.providers.gigachat.conftest import MakeGigaChat
from tests.providers.gigachat.upstream import HANG_S, run, said


@pytest.mark.parametrize("stream", [True, False])
def test_an_expired_token_is_renewed_once(sandboxed: GigaChat, sandbox: Sandbox, stream: bool):
    sandbox.faults.push("gigachat", faults.expired_token())
    assert run(sandboxed, said(stream=stream))[-1].finish_reason == "stop"
    assert [one.status for one in sandbox.requests.of("gigachat", "completions")] == [401, 200]
    assert len(sandbox.requests.of("gigachat", "oauth")) == 2


def test_a_token_that_stays_refused_is_our_credential_refused(
    sandboxed: GigaChat, sandbox: Sandbox
):
    sandbox.faults.push("gigachat", faults.expired_token(), times=None)
    with pytest.raises(ProviderAuthError):
        run(sandboxed, said())
    assert len(sandbox.requests.of("gigachat", "completions")) == 2


def test_a_wrong_key_is_our_credential_refused(make_sandboxed: MakeGigaChat, sandbox: Sandbox):
    with pytest.raises(ProviderAuthError):
        run(make_sandboxed(credentials="d3JvbmcKd3Jvbmc="), said())
    assert len(sandbox.requests) == 1


def test_a_model_that_is_gone_is_unavailable(sandboxed: GigaChat):
    with pytest.raises(ProviderUnavailable):
        run(sandboxed, said(), model="GigaChat-1")


def test_too_much_at_once_is_a_rate_limit(sandboxed: GigaChat, sandbox: Sandbox):
    sandbox.settings.gigachat_parallel = 1
    first = sandboxed.stream(
        said("sandbox:long=500", stream=True), upstream_id="GigaChat-2", lifeline=Countdown(HANG_S)
    )
    next(first)
    with pytest.raises(ProviderRateLimited):
        run(sandboxed, said())
    first.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.http_error(402), ProviderAuthError),
        (faults.http_error(403), ProviderAuthError),
        (faults.http_error(404), ProviderUnavailable),
        (faults.http_error(408), ProviderTimeout),
        (faults.http_error(413), ProviderRejected),
        (faults.http_error(422), ProviderRejected),
        (faults.http_error(429), ProviderRateLimited),
        (faults.http_error(500), ProviderUnavailable),
        (faults.http_error(503, b"<html>away</html>"), ProviderUnavailable),
        (faults.redirect("http://127.0.0.1:9/"), ProviderUnavailable),
        (faults.reset(), ProviderUnavailable),
        (faults.reset(after_events=2), ProviderError),
        (faults.cut(), ProviderProtocolError),
        (faults.cut(abrupt=True), ProviderProtocolError),
        (faults.compressed(), ProviderProtocolError),
        (faults.error_event(), ProviderUnavailable),
        (faults.garbage("html"), ProviderProtocolError),
        (faults.garbage("bad_json"), ProviderProtocolError),
        (faults.garbage("wrong_types"), ProviderProtocolError),
        (faults.garbage("null_choices"), ProviderProtocolError),
        (faults.garbage("long_line"), ProviderProtocolError),
        (faults.garbage("invalid_utf8"), ProviderProtocolError),
        (faults.garbage("bad_json", after_events=2), ProviderProtocolError),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else value.__name__,
)
@pytest.mark.parametrize("stream", [True, False])
def test_every_fault_is_an_error_of_its_kind(
    sandboxed: GigaChat, sandbox: Sandbox, fault: Fault, kind: type[ProviderError], stream: bool
):
    sandbox.faults.push("gigachat", fault)
    with pytest.raises(kind):
        run(sandboxed, said("Расскажи о реке.", stream=stream))


@pytest.mark.parametrize("moment", get_args(faults.Moment))
@pytest.mark.parametrize("stream", [True, False])
def test_silence_at_any_moment_is_a_timeout(
    make_sandboxed: MakeGigaChat, sandbox: Sandbox, moment: faults.Moment, stream: bool
):
    sandbox.faults.push("gigachat", faults.silence(HANG_S, moment))
    with pytest.raises(ProviderTimeout):
        run(make_sandboxed(read_timeout_s=0.3), said("Расскажи о реке.", stream=stream))


def test_a_drip_is_an_answer_and_a_cookie_is_ignored(sandboxed: GigaChat, sandbox: Sandbox):
    sandbox.faults.push("gigachat", faults.drip(0.0))
    assert run(sandboxed, said("Привет", stream=True))[-1].finish_reason == "stop"
    sandbox.faults.push("gigachat", faults.set_cookie())
    run(sandboxed, said())
    run(sandboxed, said())
    assert "cookie" not in sandbox.requests[-1].headers


@pytest.mark.parametrize("kind", ["absent", "negative", "absurd"])
def test_usage_that_cannot_be_true_is_left_out(sandboxed: GigaChat, sandbox: Sandbox, kind: Any):
    sandbox.faults.push("gigachat", faults.wrong_usage(kind))
    chunks = run(sandboxed, said(stream=True))
    assert chunks[-1].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_a_reader_who_leaves_an_endless_stream_ends_it(sandboxed: GigaChat, sandbox: Sandbox):
    sandbox.faults.push("gigachat", faults.endless())
    chunks = sandboxed.stream(
        said(stream=True), upstream_id="GigaChat-2", lifeline=Countdown(HANG_S)
    )
    for _ in range(20):
        next(chunks)
    chunks.close()
    asked = sandbox.requests[-1]
    end_s = time.monotonic() + HANG_S
    while asked.closed_by_client_at is None and time.monotonic() < end_s:
        time.sleep(0.01)
    assert asked.closed_by_client_at is not None
