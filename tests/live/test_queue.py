"""The queue for scarce upstream slots over HTTP: who waits is served, goes elsewhere, or is told so."""

from collections.abc import Iterator

import pytest

from tests.live.callers import LiveCall, wait_until
from tests.live.service import Service, serve

PROVIDER_S = 1.5
"""How long the provider takes, which is longer than the status of a queued stream waits."""


@pytest.fixture(scope="module")
def scarce(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("queue"),
        constants={
            "gateway.pipeline.execution.stream.QUEUE_WAIT_S": 0.3,
            "gateway.upstreams.slots.slots.PATIENCE_S": 0.3,
            "gateway.upstreams.slots.slots.LOOK_S": 0.2,
        },
        GIGACHAT_CONCURRENCY="1",
    ) as service:
        yield service


@pytest.fixture
def service(scarce: Service) -> Service:
    scarce.sandbox.reset()
    return scarce


def _body(text: str = "Привет", **more: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "max_tokens": 5, **more}


def _busy(service: Service, key: str) -> LiveCall:
    """Return a stream that has the one slot."""
    slow = _body("sandbox:long=200 sandbox:interval=0.5 Расскажи", stream=True, max_tokens=200)
    call = LiveCall(service.port, key).send(slow)
    call.read_until(b'"content"')
    return call


@pytest.mark.both_stores
def test_two_chats_share_one_slot_one_after_the_other(service: Service) -> None:
    service.sandbox.settings.gigachat_parallel = 1
    service.sandbox.settings.latency_s = PROVIDER_S
    key = service.fresh_key(balance="500")

    calls = [LiveCall(service.port, key).send(_body()) for _ in range(2)]

    assert [call.answer().status for call in calls] == [200, 200]


@pytest.mark.both_stores
def test_a_stream_that_waits_has_comments_and_then_its_answer(service: Service) -> None:
    key = service.fresh_key(balance="500")
    running = _busy(service, key)
    waiting = LiveCall(service.port, key).send(_body(stream=True))

    waiting.read_until(b": waiting")
    assert b"200 OK" in waiting.raw
    running.leave()

    assert waiting.answer().is_done


@pytest.mark.both_stores
def test_who_leaves_the_queue_is_not_asked_for(service: Service) -> None:
    key = service.fresh_key(balance="500")
    running = _busy(service, key)
    waiting = LiveCall(service.port, key).send(_body("Ушедший", stream=True))
    waiting.read_until(b": waiting")

    waiting.leave()
    running.leave()

    last = LiveCall(service.port, key).send(_body()).answer()
    assert last.status == 200
    asked = [item.body for item in service.sandbox.requests.of("gigachat", "completion")]
    assert not [body for body in asked if body["messages"][-1]["content"] == "Ушедший"]


@pytest.mark.both_stores
def test_a_request_with_another_candidate_goes_where_a_slot_is_free(service: Service) -> None:
    key = service.fresh_key(balance="500")
    running = _busy(service, key)

    answer = LiveCall(service.port, key).send(_body(models=["yandexgpt"])).answer()

    assert answer.status == 200
    assert answer.json["provider"] == "yandexgpt"
    running.leave()


def test_who_waits_in_vain_is_told_that_the_provider_is_busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve(
        request.config.option.store,
        tmp_path_factory.mktemp("impatient"),
        constants={
            "gateway.pipeline.execution.stream.FIRST_EVENT_WAIT_S": 0.1,
            "gateway.upstreams.slots.slots.LOOK_S": 0.2,
        },
        GIGACHAT_CONCURRENCY="1",
        PROVIDER_QUEUE_WAIT="1",
    ) as service:
        key = service.fresh_key(balance="500")
        running = _busy(service, key)

        plain = LiveCall(service.port, key).send(_body()).answer()
        streamed = LiveCall(service.port, key).send(_body(stream=True)).answer()

        assert (plain.status, plain.code) == (429, "provider_busy")
        assert 1 <= int(plain.headers["retry-after"]) <= 60
        assert (streamed.status, streamed.code) == (200, "provider_busy")
        running.leave()
        wait_until(
            lambda: LiveCall(service.port, key).send(_body()).answer().status == 200,
            "the slot is free again",
        )
