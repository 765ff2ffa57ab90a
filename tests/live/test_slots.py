"""Scarce upstream slots over HTTP: two workers share them fairly, and a killed one gives its back."""

import os
import pathlib
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.live.callers import LiveAnswer, LiveCall, wait_until
from tests.live.service import Service, serve

pytestmark = pytest.mark.postgres

SLOTS = 10


@pytest.fixture
def queue_wait_s() -> int:
    """How long a request waits for a slot."""
    return 60


@pytest.fixture
def service(tmp_path: pathlib.Path, queue_wait_s: int) -> Iterator[Service]:
    """Run two workers before an upstream that takes ten requests at once and refuses the eleventh."""
    with serve(
        "postgres",
        tmp_path,
        WEB_CONCURRENCY="2",
        GIGACHAT_CONCURRENCY=str(SLOTS),
        PROVIDER_QUEUE_WAIT=str(queue_wait_s),
    ) as pair:
        pair.sandbox.settings.gigachat_parallel = SLOTS
        wait_until(lambda: len(pair.workers()) == 2, "both workers run")
        yield pair


def _body(text: str, **more: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "max_tokens": 5, **more}


def _asked(service: Service) -> list[str]:
    """Return what the upstream was asked, in its order."""
    found = service.sandbox.requests.of("gigachat", "completion")
    return [item.body["messages"][-1]["content"] for item in found]


def test_a_hundred_clients_on_ten_slots_are_all_served_and_fairly(service: Service) -> None:
    service.sandbox.settings.latency_s = 0.2
    many, few = service.fresh_key(balance="500"), service.fresh_key(balance="500")
    calls = [LiveCall(service.port, many).send(_body("Привет от многих")) for _ in range(90)]
    wait_until(lambda: len(_asked(service)) >= SLOTS, "the slots are taken")
    before = len(_asked(service))
    late = [LiveCall(service.port, few).send(_body("Привет от немногих")) for _ in range(10)]

    answers = [call.answer() for call in [*calls, *late]]

    assert Counter((answer.status, answer.code) for answer in answers) == {(200, None): 100}
    statuses = {request.status for request in service.sandbox.requests.of("gigachat", "completion")}
    assert statuses == {200}
    behind = _asked(service)[before:]
    last_of_few = max(place for place, text in enumerate(behind) if "немногих" in text)
    overtaken = len(behind) - 1 - last_of_few  # all of them came before
    assert overtaken > 2 * SLOTS


# A lost slot is held for ten seconds: who asks meanwhile must be refused before that.
@pytest.mark.parametrize("queue_wait_s", [1])
def test_the_slots_of_a_killed_worker_come_back(service: Service) -> None:
    key = service.fresh_key(balance="500")
    # Its words come quickly, so that a stream is soon seen to live.
    slow = _body("sandbox:long=600 sandbox:interval=0.1 Расскажи", stream=True, max_tokens=600)
    streams = [LiveCall(service.port, key).send(slow) for _ in range(SLOTS)]
    for call in streams:
        call.read_until(b'"content"')

    os.kill(max(service.workers(), key=_open_files), signal.SIGKILL)  # one may have no stream
    lost = [call for call in streams if _is_cut(call)]
    assert lost
    busy = _answer(service, key)
    assert busy.code == "provider_busy"
    assert 1 <= int(busy.headers["retry-after"]) <= 60
    wait_until(lambda: _answer(service, key).status == 200, "a slot is free again")
    more = [LiveCall(service.port, key).send(slow) for _ in lost]
    for call in more:
        call.read_until(b'"content"')
    for call in [*streams, *more]:
        call.leave()
    wait_until(lambda: _answer(service, key).status == 200, "who left holds no slot")
    refused = [
        request
        for request in service.sandbox.requests.of("gigachat", "completion")
        if request.status == 429
    ]
    assert not refused


def _answer(service: Service, key: str) -> LiveAnswer:
    return LiveCall(service.port, key).send(_body("Привет")).answer()


def _open_files(process_id: int) -> int:
    return len(os.listdir(f"/proc/{process_id}/fd"))


def _is_cut(call: LiveCall) -> bool:
    """Say whether the stream has broken off, by what comes next of it."""
    before = len(call.raw)
    while call.read_some():
        if len(call.raw) > before + 200:
            return False
    return True
