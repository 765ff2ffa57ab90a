"""Every fault that the emulated server knows, and what the adapter makes of it."""

import time
from typing import Any, get_args

import pytest

from gateway.providers.chat_types import Tool
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.http_client import Countdown
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.sandbox import faults
from gateway.sandbox.exchange import ProviderName
from gateway.sandbox.faults import Fault
from gateway.sandbox.journal import RecordedRequest
from gateway.sandbox.rubbish import GarbageKind
from gateway.sandbox.server import Sandbox
from tests.providers.openai_compatible.conftest import Make
from tests.providers.openai_compatible.upstream import HANG_S, NAME, run, said, text_of

SERVER: ProviderName = "openai_compatible"
GARBAGE = get_args(GarbageKind)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.http_error(400), ProviderRejected),
        (faults.http_error(413), ProviderRejected),
        (faults.http_error(422), ProviderRejected),
        (faults.http_error(401), ProviderAuthError),
        (faults.http_error(402), ProviderAuthError),
        (faults.http_error(403), ProviderAuthError),
        (faults.expired_token(), ProviderAuthError),
        (faults.http_error(404), ProviderUnavailable),
        (faults.http_error(408), ProviderTimeout),
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
        (faults.error_event(400), ProviderRejected),
        (faults.error_event(429), ProviderRateLimited),
        *((faults.garbage(kind), ProviderProtocolError) for kind in GARBAGE),
        *((faults.garbage(kind, after_events=2), ProviderProtocolError) for kind in GARBAGE),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else value.__name__,
)
@pytest.mark.parametrize("stream", [True, False])
def test_every_fault_is_an_error_of_its_kind(
    sandboxed: OpenAICompatible,
    sandbox: Sandbox,
    fault: Fault,
    kind: type[ProviderError],
    stream: bool,
) -> None:
    sandbox.faults.push(SERVER, fault)
    with pytest.raises(kind) as caught:
        run(sandboxed, said("Расскажи о реке.", stream=stream))
    assert caught.value.provider == NAME
    assert "stop" in [one.finish_reason for one in run(sandboxed, said(stream=stream))]


@pytest.mark.parametrize("moment", get_args(faults.Moment))
@pytest.mark.parametrize("stream", [True, False])
def test_silence_at_any_moment_is_a_timeout(
    make_sandboxed: Make, sandbox: Sandbox, moment: faults.Moment, stream: bool
) -> None:
    sandbox.faults.push(SERVER, faults.silence(HANG_S, moment))
    with pytest.raises(ProviderTimeout):
        run(make_sandboxed(read_timeout_s=0.3), said("Расскажи о реке.", stream=stream))


def test_a_limit_names_the_wait(sandboxed: OpenAICompatible, sandbox: Sandbox) -> None:
    sandbox.faults.push(SERVER, faults.http_error(429, retry_after="9"))
    with pytest.raises(ProviderRateLimited) as caught:
        run(sandboxed, said())
    assert caught.value.retry_after_s == 9


def test_a_drip_is_an_answer_and_a_cookie_is_ignored(
    sandboxed: OpenAICompatible, sandbox: Sandbox
) -> None:
    (plain,) = run(sandboxed, said("Привет"))
    sandbox.faults.push(SERVER, faults.drip(0.0))
    assert text_of(run(sandboxed, said("Привет", stream=True))) == plain.text
    sandbox.faults.push(SERVER, faults.set_cookie())
    run(sandboxed, said())
    run(sandboxed, said())
    assert "cookie" not in sandbox.requests[-1].headers


@pytest.mark.parametrize("kind", ["absent", "negative", "absurd"])
@pytest.mark.parametrize("stream", [True, False])
def test_usage_that_cannot_be_true_is_left_out(
    sandboxed: OpenAICompatible, sandbox: Sandbox, kind: Any, stream: bool
) -> None:
    sandbox.faults.push(SERVER, faults.wrong_usage(kind))
    chunks = run(sandboxed, said(stream=stream))
    assert "stop" in [one.finish_reason for one in chunks]
    assert all(one.usage is None for one in chunks)


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_broke_off_has_not_answered(sandboxed: OpenAICompatible, stream: bool) -> None:
    request = said(
        "Когда трамвай? sandbox:unruly=error",
        tools=(Tool("tram", "Когда трамвай"),),
        stream=stream,
    )
    with pytest.raises(ProviderProtocolError):
        run(sandboxed, request)


@pytest.mark.parametrize("text", ["sandbox:long=4000 sandbox:interval=0.2", "sandbox:pause=30"])
def test_a_reader_who_leaves_ends_the_request_upstream(
    sandboxed: OpenAICompatible, sandbox: Sandbox, text: str
) -> None:
    steps = sandboxed.stream(
        said(text, stream=True), upstream_id="qwen3-8b", lifeline=Countdown(HANG_S)
    )
    next(steps)
    steps.close()
    assert is_left(sandbox.requests[-1])


def test_a_reader_who_leaves_an_endless_stream_ends_it(
    sandboxed: OpenAICompatible, sandbox: Sandbox
) -> None:
    sandbox.faults.push(SERVER, faults.endless())
    steps = sandboxed.stream(said(stream=True), upstream_id="qwen3-8b", lifeline=Countdown(HANG_S))
    for _ in range(20):
        next(steps)
    steps.close()
    assert is_left(sandbox.requests[-1])


def is_left(asked: RecordedRequest) -> bool:
    """Wait until the sandbox, which works in threads of its own, has noted that its peer left."""
    end_s = time.monotonic() + HANG_S
    while asked.closed_by_client_at is None and time.monotonic() < end_s:
        time.sleep(0.01)
    return asked.closed_by_client_at is not None
