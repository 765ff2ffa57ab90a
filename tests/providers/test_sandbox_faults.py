"""Every fault that the emulators know, and what each adapter makes of it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from gateway.providers._shared.http_client import Deadline
from gateway.providers.base import CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
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
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.tick import TICK
from gateway.providers.yandexgpt.adapter import YandexGPT
from sandbox.core import credentials, faults
from sandbox.core.exchange import ProviderName
from sandbox.core.faults import Fault
from sandbox.core.malformed import GarbageKind
from sandbox.core.request_log import RecordedRequest
from sandbox.server import Sandbox
from tests.providers.asking import HANG_S, chunks_in

GARBAGE = get_args(GarbageKind)
MODELS: dict[ProviderName, str] = {
    "gigachat": "GigaChat-2",
    "yandexgpt": "yandexgpt/latest",
    "openai_compatible": "qwen3-8b",
}
Adapter = GigaChat | YandexGPT | OpenAICompatible


def adapter(name: ProviderName, sandbox: Sandbox, **options: Any) -> Adapter:
    match name:
        case "gigachat":
            return GigaChat(
                base_url=f"{sandbox.gigachat_origin}/api/v1",
                auth_url=f"{sandbox.gigachat_origin}/api/v2/oauth",
                credentials=credentials.GIGACHAT_CREDENTIALS,
                scope=credentials.GIGACHAT_SCOPE,
                **options,
            )
        case "yandexgpt":
            return YandexGPT(
                base_url=sandbox.yandex_origin,
                folder_id=credentials.YANDEX_FOLDER_ID,
                api_key=credentials.YANDEX_API_KEY,
                **options,
            )
        case _:
            return OpenAICompatible(
                "openai_compatible",
                base_url=f"{sandbox.openai_origin}/v1",
                api_key=credentials.OPENAI_COMPATIBLE_API_KEY,
                **options,
            )


@dataclass
class Asker:
    """An adapter before the sandbox, and how it is asked."""

    name: ProviderName
    adapter: Adapter
    sandbox: Sandbox

    def stream(self, text: str, *, stream: bool, cancel_token: CancelToken | None = None) -> Any:
        request = ChatRequest(messages=(Message("user", text),), stream=stream)
        return self.adapter.stream(
            request, upstream_id=MODELS[self.name], cancel_token=cancel_token or Deadline(HANG_S)
        )

    def ask(self, text: str = "Расскажи о реке.", *, stream: bool = False) -> list[ChatChunk]:
        return chunks_in(self.stream(text, stream=stream))

    def push(self, fault: Fault) -> None:
        self.sandbox.faults.push(self.name, fault)

    @property
    def last(self) -> RecordedRequest:
        return self.sandbox.requests.of(self.name)[-1]


Make = Callable[..., Asker]


@pytest.fixture(params=MODELS)
def make(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Make]:
    askers: list[Asker] = []

    def make(**options: Any) -> Asker:
        created = Asker(request.param, adapter(request.param, sandbox, **options), sandbox)
        askers.append(created)
        return created

    yield make
    for asker in askers:
        asker.adapter.close()


@pytest.fixture
def asker(make: Make) -> Asker:
    return make()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.http_error(400), ProviderRejected),
        (faults.http_error(413), ProviderRejected),
        (faults.http_error(422), ProviderRejected),
        (faults.http_error(403), ProviderAuthError),
        (faults.http_error(404), ProviderUnavailable),
        (faults.http_error(408), ProviderTimeout),
        (faults.http_error(429), ProviderRateLimited),
        (faults.http_error(500), ProviderUnavailable),
        (faults.http_error(503, b"<html>away</html>"), ProviderUnavailable),
        (faults.redirect("http://127.0.0.1:9/"), ProviderUnavailable),
        (faults.reset(), ProviderUnavailable),
        (faults.reset(after_events=2), ProviderUnavailable),
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
    asker: Asker, fault: Fault, kind: type[ProviderError], stream: bool
) -> None:
    asker.push(fault)
    with pytest.raises(ProviderError) as caught:
        asker.ask(stream=stream)
    # Of a plain answer the reset may leave bytes behind, and then it was cut short.
    if fault.name != "reset" or stream:
        assert caught.type is kind
    assert caught.value.provider == asker.name
    assert "stop" in [chunk.finish_reason for chunk in asker.ask(stream=stream)]


def test_what_is_not_paid_for_is_refused_with_or_without_its_credential(asker: Asker) -> None:
    asker.push(faults.http_error(402))
    with pytest.raises(ProviderAuthError):
        asker.ask()


@pytest.mark.parametrize("moment", get_args(faults.Moment))
@pytest.mark.parametrize("stream", [True, False])
def test_silence_at_any_moment_is_a_timeout(
    make: Make, moment: faults.Moment, stream: bool
) -> None:
    asker = make(read_timeout_s=0.3)
    asker.push(faults.silence(HANG_S, moment))
    with pytest.raises(ProviderTimeout):
        asker.ask(stream=stream)


def test_a_silence_in_mid_stream_is_filled_with_ticks(make: Make) -> None:
    asker = make(tick_s=0.1)
    asker.push(faults.silence(0.5, "mid_stream"))
    steps = list(asker.stream("Расскажи о реке.", stream=True))
    assert 0 < steps.index(TICK) < len(steps) - 1
    (plain,) = asker.ask()
    assert "".join(chunk.text for chunk in chunks_in(steps)) == plain.text


def test_a_limit_names_the_wait(asker: Asker) -> None:
    asker.push(faults.http_error(429, retry_after="9"))
    with pytest.raises(ProviderRateLimited) as caught:
        asker.ask()
    assert caught.value.retry_after_s == 9


def test_a_drip_is_an_answer_and_a_cookie_is_ignored(asker: Asker) -> None:
    (plain,) = asker.ask("Привет")
    asker.push(faults.drip(0.0))
    assert "".join(chunk.text for chunk in asker.ask("Привет", stream=True)) == plain.text
    asker.push(faults.set_cookie())
    asker.ask()
    asker.ask()
    assert "cookie" not in asker.last.headers


@pytest.mark.parametrize("kind", ["absent", "negative", "absurd"])
@pytest.mark.parametrize("stream", [True, False])
def test_usage_that_cannot_be_true_is_left_out(asker: Asker, kind: Any, stream: bool) -> None:
    asker.push(faults.wrong_usage(kind))
    chunks = asker.ask(stream=stream)
    assert "stop" in [chunk.finish_reason for chunk in chunks]
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("text", ["sandbox:long=4000 sandbox:interval=0.2", "sandbox:pause=30"])
def test_a_reader_who_leaves_ends_the_request_upstream(asker: Asker, text: str) -> None:
    steps = asker.stream(text, stream=True)
    next(steps)
    steps.close()
    assert is_left(asker.last)


def test_a_reader_who_leaves_an_endless_stream_ends_it(asker: Asker) -> None:
    asker.push(faults.endless())
    steps = asker.stream("Расскажи о реке.", stream=True)
    for _ in range(20):
        next(steps)
    steps.close()
    assert is_left(asker.last)


def is_left(asked: RecordedRequest) -> bool:
    """Wait until the sandbox, which works in threads of its own, has noted that its peer left."""
    end_s = time.monotonic() + HANG_S
    while asked.closed_by_client_at is None and time.monotonic() < end_s:
        time.sleep(0.01)
    return asked.closed_by_client_at is not None
