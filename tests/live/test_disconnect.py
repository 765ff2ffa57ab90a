"""A client that leaves is noticed by its socket, not when something is next written to it."""

import pathlib

import pytest

from sandbox.core.exchange import ProviderName
from sandbox.core.faults import silence
from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service, serve

MODELS: dict[ProviderName, str] = {"gigachat": "gigachat-pro", "yandexgpt": "yandexgpt"}
NEVER_S = 600.0


def _leave_in_silence(service: Service, provider: ProviderName, sent_ahead: bytes) -> None:
    service.sandbox.faults.push(provider, silence(NEVER_S, "mid_stream"))
    messages = [{"role": "user", "content": "Расскажи о Москве"}]
    body = {"model": MODELS[provider], "messages": messages, "stream": True}
    call = LiveCall(service.port, service.key()).send(body)
    call.read_until(b'"content"')
    asked = service.sandbox.requests.of(provider, "ompletion")[-1]

    call.send_more(sent_ahead)
    call.leave()

    wait_until(lambda: asked.closed_by_client_at is not None, f"{provider} is left too")


@pytest.mark.both_stores
def test_who_leaves_a_silent_stream_is_noticed_before_anything_is_written(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    store = request.config.option.store
    with serve(store, tmp_path, constants={"gateway.providers.tick.TICK_S": NEVER_S}) as service:
        for provider in MODELS:
            for sent_ahead in (b"", b"\r\n", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"):
                _leave_in_silence(service, provider, sent_ahead)
