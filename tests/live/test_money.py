"""Money over HTTP: what is admitted is covered, what is delivered is charged once, and nothing else."""

import pathlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from sandbox.core.exchange import ProviderName, Reported
from sandbox.core.faults import http_error, silence
from sandbox.core.request_log import RecordedRequest
from sandbox.core.tokens import count_prompt_tokens, count_tokens
from tests.billing.relay import relay_to
from tests.live.amounts import nano_of
from tests.live.callers import LiveAnswer, LiveCall, at_once, parsed, text_in, wait_until
from tests.live.service import Service, database, serve

MODEL: dict[ProviderName, str] = {"gigachat": "gigachat-pro", "yandexgpt": "yandexgpt"}
PROVIDERS: list[ProviderName] = ["gigachat", "yandexgpt"]
CALLERS = 64
BALANCE = 65  # credits, and so many requests a second: the rate refuses none of the callers


def _body(provider: ProviderName, text: str, **more: object) -> dict[str, object]:
    return {
        "model": MODEL[provider],
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 300,
        **more,
    }


def _credits(service: Service, key: str) -> tuple[int, int]:
    """Return total credits and total usage, in nano-credits."""
    with service.http(key) as http:
        data = http.get("/v1/credits").json(parse_float=Decimal)["data"]
    return nano_of(Decimal(data["total_credits"])), nano_of(Decimal(data["total_usage"]))


def _holds(service: Service, account_id: int) -> dict[uuid.UUID, int]:
    rows = service.query(
        "SELECT id, amount_nano FROM billing_hold WHERE account_id = %s", account_id
    )
    return {uuid.UUID(str(hold_id)): amount_nano for hold_id, amount_nano in rows}


def _id_of(generation_id: str | None) -> uuid.UUID:
    assert generation_id is not None
    return uuid.UUID(generation_id.removeprefix("gen-"))


def _asked(service: Service, provider: ProviderName) -> list[RecordedRequest]:
    return service.sandbox.requests.of(provider, "ompletion")


def _wait_until_asked(service: Service, provider: ProviderName) -> RecordedRequest:
    wait_until(lambda: bool(_asked(service, provider)), "the provider is asked")
    return _asked(service, provider)[-1]


@pytest.mark.postgres
def test_the_last_credits_are_never_spent_twice(pair: Service) -> None:
    key = pair.fresh_key(balance=str(BALANCE))
    account_id = pair.account_of(key)
    body = _body("yandexgpt", "sandbox:slow=3 sandbox:long=9000 Расскажи", max_tokens=2000)
    calls = [LiveCall(pair.port, key) for _ in range(CALLERS)]
    held: dict[uuid.UUID, int] = {}

    with ThreadPoolExecutor(CALLERS) as pool:
        for call in calls:
            call.send(body)
        running = [pool.submit(call.answer) for call in calls]
        while not all(item.done() for item in running):
            held |= _holds(pair, account_id)
            time.sleep(0.05)
    answers = [item.result() for item in running]

    admitted = {_id_of(item.generation_id): item for item in answers if item.status == 200}
    refused = [item for item in answers if item.status != 200]
    assert admitted
    assert {(item.status, item.code) for item in refused} == {(402, "insufficient_credits")}
    assert all(item.headers["x-should-retry"] == "false" for item in refused)
    # All that was covered was admitted, and nothing beyond it: what is left is less than any hold.
    assert set(held) == set(admitted)
    assert 0 <= BALANCE * 10**9 - sum(held.values()) < min(held.values())
    asked = _asked(pair, "yandexgpt")
    assert len(asked) == len(admitted)
    assert max(int(item.body["completionOptions"]["maxTokens"]) for item in asked) == 2000
    for generation_id, answer in admitted.items():
        assert answer.json["choices"][0]["finish_reason"] == "length"
        assert 0 < nano_of(answer.cost) <= held[generation_id]
    total_credits, total_usage = _credits(pair, key)
    assert total_credits == BALANCE * 10**9
    assert total_usage == sum(nano_of(item.cost) for item in admitted.values()) <= total_credits
    assert not _holds(pair, account_id)
    pair.audit()


@pytest.mark.postgres
def test_answers_that_settle_among_holds_overdraw_nothing(pair: Service) -> None:
    key = pair.fresh_key(balance="20")
    bodies: list[Any] = [
        _body("yandexgpt", "sandbox:long=9000 Расскажи", max_tokens=1500, stream=index % 2 == 0)
        for index in range(CALLERS // 2)
    ]

    answers = [answer for _ in range(2) for answer in at_once(pair.port, key, bodies)]

    good = [answer for answer in answers if answer.status == 200]
    assert len(good) >= 10
    assert {answer.status for answer in answers} <= {200, 402, 429}
    assert all(item.is_done or item.json["usage"] for item in good)
    assert len(_asked(pair, "yandexgpt")) == len(good)
    total_credits, total_usage = _credits(pair, key)
    assert total_usage == sum(nano_of(item.cost) for item in good) <= total_credits
    pair.audit()


@dataclass(frozen=True, slots=True)
class _Booked:
    """What is kept of a generation, and what its tokens cost by the price that it names."""

    tokens: Reported
    source: str
    cost_nano: int
    is_cancelled: bool
    finish_reason: str
    tokens_cost_nano: int


def _booked(service: Service, account_id: int) -> _Booked:
    """Wait for the account's only generation."""

    def rows() -> list[tuple[Any, ...]]:
        return service.query(
            "SELECT tokens_prompt, tokens_completion, tokens_cached, tokens_source, cost_nano,"
            " is_cancelled, finish_reason, (tokens_prompt - tokens_cached) * prompt_nano"
            " + tokens_cached * cached_nano + tokens_completion * completion_nano"
            " FROM billing_generation LEFT JOIN billing_price ON billing_price.id = price_id"
            " WHERE account_id = %s",
            account_id,
        )

    wait_until(lambda: bool(rows()), "the generation is settled")
    [(prompt, completion, cached, source, cost, is_cancelled, finish, tokens_cost)] = rows()
    tokens = Reported(prompt, completion, cached)
    return _Booked(tokens, source, cost, bool(is_cancelled), finish, tokens_cost)


@pytest.mark.both_stores
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_plain_request_runs_on_and_is_charged_when_its_client_leaves(
    service: Service, provider: ProviderName
) -> None:
    key = service.fresh_key()
    call = LiveCall(service.port, key).send(
        _body(provider, "sandbox:slow=1 sandbox:long=50 Расскажи")
    )
    asked = _wait_until_asked(service, provider)
    call.leave()

    booked = _booked(service, service.account_of(key))

    assert asked.finished
    assert asked.closed_by_client_at is None
    assert (booked.is_cancelled, booked.finish_reason, booked.source) == (False, "stop", "provider")
    assert booked.tokens == asked.usage
    assert 0 < booked.cost_nano == booked.tokens_cost_nano == _credits(service, key)[1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_whose_client_leaves_before_the_first_event_costs_nothing(
    service: Service, provider: ProviderName
) -> None:
    key = service.fresh_key()
    body = _body(provider, "sandbox:slow=30 Расскажи", stream=True)
    call = LiveCall(service.port, key).send(body)
    asked = _wait_until_asked(service, provider)
    left_at = time.time()
    call.leave()

    booked = _booked(service, service.account_of(key))

    wait_until(lambda: asked.closed_by_client_at is not None, "the provider is left too")
    assert asked.closed_by_client_at is not None
    assert asked.closed_by_client_at - left_at < 10
    assert booked.is_cancelled
    assert booked.cost_nano == _credits(service, key)[1] == 0


def _leave_in_silence(
    service: Service, provider: ProviderName, key: str, text: str
) -> tuple[RecordedRequest, LiveAnswer, int]:
    """Leave a stream while its provider says nothing after the first half.

    Return what the provider was asked, what the client had got by then, and the hold.
    """
    service.sandbox.faults.push(provider, silence(60, "mid_stream"))
    call = LiveCall(service.port, key).send(_body(provider, text, stream=True))
    call.read_until(b'"content"')
    asked = _wait_until_asked(service, provider)
    quiet_since_s, seen = time.monotonic(), (0, 0)
    while time.monotonic() - quiet_since_s < 1:
        if (now := (asked.events, len(call.read_what_came()))) != seen:
            quiet_since_s, seen = time.monotonic(), now
        time.sleep(0.02)
    held_nano = _holds(service, service.account_of(key))[_id_of(call.generation_id)]
    left_at = time.time()
    call.leave()
    wait_until(lambda: asked.closed_by_client_at is not None, "the provider is left too")
    assert asked.closed_by_client_at is not None
    assert asked.closed_by_client_at - left_at < 10
    return asked, parsed(call.raw), held_nano


@pytest.mark.both_stores
def test_a_stream_left_at_yandex_costs_what_the_provider_had_counted(service: Service) -> None:
    key = service.fresh_key()

    asked, got, held_nano = _leave_in_silence(
        service, "yandexgpt", key, "sandbox:long=80 Расскажи о Москве"
    )
    booked = _booked(service, service.account_of(key))

    assert text_in(got.body)
    assert (booked.is_cancelled, booked.source) == (True, "provider")
    assert booked.tokens == asked.usage
    assert 0 < booked.cost_nano == booked.tokens_cost_nano <= held_nano
    assert booked.cost_nano == _credits(service, key)[1]


@pytest.mark.parametrize("has_counter", [True, False], ids=["counted", "estimated"])
def test_a_stream_left_at_gigachat_costs_about_what_was_generated(
    service: Service, has_counter: bool
) -> None:
    key = service.fresh_key()
    text = "sandbox:long=80 Расскажи о Москве и обо всём, что в ней есть"
    if not has_counter:
        service.sandbox.faults.push("gigachat", http_error(500), times=None, path="tokens")

    _, got, held_nano = _leave_in_silence(service, "gigachat", key, text)
    booked = _booked(service, service.account_of(key))

    generated = count_tokens(text_in(got.body))
    assert generated > 10
    assert (booked.is_cancelled, booked.source) == (True, "estimated")
    assert booked.tokens.completion_tokens == pytest.approx(generated, rel=0.25)
    assert booked.tokens.prompt_tokens == pytest.approx(count_prompt_tokens([text]), rel=0.25)
    assert 0 < booked.cost_nano == booked.tokens_cost_nano <= held_nano
    assert booked.cost_nano == _credits(service, key)[1]


def test_a_stream_that_is_read_to_its_end_costs_what_the_provider_reported(
    service: Service,
) -> None:
    for provider in PROVIDERS:
        key = service.fresh_key()
        body = _body(provider, "sandbox:long=40 Расскажи", stream=True)

        answer = LiveCall(service.port, key).send(body).answer()

        booked = _booked(service, service.account_of(key))
        assert answer.is_done
        assert booked.tokens == _asked(service, provider)[-1].usage
        assert nano_of(answer.cost) == booked.cost_nano == booked.tokens_cost_nano > 0
        assert _credits(service, key)[1] == booked.cost_nano


@pytest.mark.postgres
def test_without_the_ledger_nobody_is_served_and_nothing_is_lost(tmp_path: pathlib.Path) -> None:
    with (
        database("postgres", tmp_path) as url,
        relay_to(url) as ledger,
        serve("postgres", tmp_path, DATABASE_URL=ledger.url) as service,
    ):
        key = service.fresh_key()
        body = _body("yandexgpt", "sandbox:long=40 Расскажи")
        assert LiveCall(service.port, key).send(body).answer().status == 200
        slow = _body("yandexgpt", "sandbox:long=60 sandbox:interval=0.1 Расскажи", stream=True)
        running = LiveCall(service.port, key).send(slow)
        running.read_until(b'"content"')
        asked_before = len(_asked(service, "yandexgpt"))

        ledger.cut()

        for stream in (False, True, False):
            began_s = time.monotonic()
            answer = LiveCall(service.port, key).send(body | {"stream": stream}).answer()
            assert (answer.status, answer.code) == (503, "service_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert time.monotonic() - began_s < 10
        with service.http(key) as http:
            assert http.get("/health").status_code == 503
        assert len(_asked(service, "yandexgpt")) == asked_before

        ledger.mend()

        assert running.answer().is_done

        def is_back() -> bool:
            return LiveCall(service.port, key).send(body).answer().status == 200

        wait_until(is_back, "the service is back")
        account_id = service.account_of(key)
        wait_until(lambda: not _holds(service, account_id), "every hold is settled")
        [(stream_cost_nano, finish)] = service.query(
            "SELECT cost_nano, finish_reason FROM billing_generation WHERE id = %s",
            _id_of(running.generation_id),
        )
        assert stream_cost_nano > 0
        assert finish == "stop"
        service.audit()
