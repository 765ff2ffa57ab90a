"""Workers killed while they answer: what breaks, what goes on, and where the money is afterwards."""

import os
import signal
import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.live.amounts import nano_of
from tests.live.callers import LiveAnswer, LiveCall, wait_until
from tests.live.service import Service

MOST_CALLS = 40


def _body(text: str, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "stream": stream, "max_tokens": 100}


def _processes(pair: Service, account_id: int) -> dict[uuid.UUID, uuid.UUID]:
    """Return which process holds the money of which request."""
    rows = pair.query("SELECT id, process_id FROM billing_hold WHERE account_id = %s", account_id)
    return dict(rows)


def _id_of(call: LiveCall) -> uuid.UUID:
    return uuid.UUID(call.generation_id.removeprefix("gen-"))


def _streams_on_both(pair: Service, key: str, account_id: int) -> dict[uuid.UUID, list[LiveCall]]:
    """Open streams, for some seconds, until both processes serve one; return them by process."""
    streams: dict[uuid.UUID, list[LiveCall]] = defaultdict(list)
    for _ in range(MOST_CALLS):
        call = LiveCall(pair.port, key)
        call.send(_body("sandbox:long=60 sandbox:interval=0.15 Расскажи", stream=True))
        call.read_until(b'"content"')
        streams[_processes(pair, account_id)[_id_of(call)]].append(call)
        if len(streams) == 2:
            return streams
    raise AssertionError("One process serves everybody.")


def _plain_on_both(pair: Service, key: str, account_id: int) -> list[LiveCall]:
    """Send plain requests until each process has one more to answer; return them all."""
    before = _processes(pair, account_id)
    calls: list[LiveCall] = []
    while len(calls) < MOST_CALLS:
        calls.append(LiveCall(pair.port, key).send(_body("sandbox:slow=5 Расскажи", stream=False)))
        wait_until(
            lambda: len(_processes(pair, account_id)) == len(before) + len(calls), "it is admitted"
        )
        now = _processes(pair, account_id)
        if len({now[item] for item in now.keys() - before.keys()}) == 2:
            return calls
    raise AssertionError("One process serves everybody.")


@pytest.mark.postgres
def test_a_killed_worker_breaks_its_own_answers_and_its_holds_come_back(pair: Service) -> None:
    wait_until(lambda: len(pair.workers()) == 2, "both workers run")
    key = pair.fresh_key(balance="100")
    account_id = pair.account_of(key)
    streams = _streams_on_both(pair, key, account_id)
    plain = _plain_on_both(pair, key, account_id)
    of_process = _processes(pair, account_id)

    os.kill(pair.workers()[0], signal.SIGKILL)

    assert LiveCall(pair.port, key).send(_body("Привет", stream=False)).answer().status == 200
    answers = {process: [call.answer() for call in calls] for process, calls in streams.items()}
    [lost] = [process for process, found in answers.items() if not any(map(_is_good, found))]
    [alive] = [process for process, found in answers.items() if all(map(_is_good, found))]
    assert not any(answer.is_whole for answer in answers[lost])
    plain_answers = [call.answer() for call in plain]
    good = [answer for answer in plain_answers if _is_good(answer)]
    lost_ids = {item for item, process in of_process.items() if process == lost}
    assert len(good) == len(plain) - (len(lost_ids) - len(streams[lost]))
    assert all(answer.status in (0, 200) for answer in plain_answers)

    _expect_the_holds_back(pair, account_id, lost, lost_ids)

    costs = [answer.cost for answer in answers[alive] + good]
    with pair.http(key) as http:
        statement: Any = http.get("/v1/credits").json(parse_float=Decimal)["data"]
    [(first_cost_nano,)] = pair.query(
        "SELECT cost_nano FROM billing_generation WHERE account_id = %s"
        " AND NOT is_streamed AND finish_reason = 'stop' ORDER BY latency_ms LIMIT 1",
        account_id,
    )
    assert nano_of(Decimal(statement["total_usage"])) == first_cost_nano + sum(map(nano_of, costs))
    wait_until(lambda: len(pair.workers()) == 2, "another worker takes the place")
    pair.audit()


def _is_good(answer: LiveAnswer) -> bool:
    return answer.is_done or (answer.status == 200 and answer.is_whole)


def _expect_the_holds_back(
    pair: Service, account_id: int, lost: uuid.UUID, lost_ids: set[uuid.UUID]
) -> None:
    """Let a minute pass for the dead process; see its holds released in full, and recorded."""
    assert set(_processes(pair, account_id)) == lost_ids
    balance = "SELECT posted_nano, held_nano FROM billing_creditaccount WHERE account_id = %s"
    [(posted_nano, held_nano)] = pair.query(balance, account_id)
    assert held_nano > 0
    pair.query(
        "UPDATE billing_processlease SET renewed_at = renewed_at - interval '61 seconds'"
        " WHERE process_id = %s",
        lost,
    )
    wait_until(lambda: not _processes(pair, account_id), "the sweep finds them", patience_s=60)
    assert pair.query(balance, account_id) == [(posted_nano, 0)]
    recorded = pair.query(
        "SELECT id, cost_nano FROM billing_generation WHERE error_code = 'process_lost'"
        " AND account_id = %s",
        account_id,
    )
    assert dict(recorded) == dict.fromkeys(lost_ids, 0)
