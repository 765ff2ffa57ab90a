"""Two instances behind nginx are restarted in turn, under load: nobody is refused, cut or charged wrongly."""

import pathlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.live.amounts import nano_of
from tests.live.callers import LiveAnswer, LiveCall, wait_until
from tests.live.service import Service, serve
from tests.serving.edges import nginx

pytestmark = pytest.mark.postgres
CALLERS = 6
THIS_MACHINE = "127.0.0.1/32"


@pytest.fixture
def instances(tmp_path: pathlib.Path) -> Iterator[list[Service]]:
    """Serve twice on the same stores; each has a sandbox of its own, which tells who was asked."""
    for name in ("first", "second", "nginx"):
        (tmp_path / name).mkdir()
    with (
        serve("postgres", tmp_path / "first", TRUSTED_PROXIES=THIS_MACHINE) as first,
        serve(
            "postgres",
            tmp_path / "second",
            TRUSTED_PROXIES=THIS_MACHINE,
            DATABASE_URL=first.environment["DATABASE_URL"],
            REDIS_URL=first.environment["REDIS_URL"],
        ) as second,
    ):
        yield [first, second]


def _body(text: str, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gigachat-pro", "messages": messages, "stream": stream, "max_tokens": 60}


def _asked(instance: Service) -> int:
    return len(instance.sandbox.requests.of("gigachat", "chat"))


def _carries(instance: Service, mark: str) -> bool:
    return any(mark in str(request.body) for request in instance.sandbox.requests)


class Load:
    """Callers who ask through the proxy, plain and in streams by turns, until they are told to end."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self._is_over = threading.Event()

    def __enter__(self) -> "Load":
        self._threads = ThreadPoolExecutor(CALLERS)
        self._callers = [self._threads.submit(self._ask) for _ in range(CALLERS)]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_over.set()
        self._threads.shutdown()

    def answers(self) -> list[LiveAnswer]:
        """End the load and return all that came."""
        self._is_over.set()
        return [answer for caller in self._callers for answer in caller.result()]

    def _ask(self) -> list[LiveAnswer]:
        found: list[LiveAnswer] = []
        while not self._is_over.is_set():
            body = _body("sandbox:interval=0.01 Привет", stream=len(found) % 2 == 1)
            found.append(LiveCall(self._port, self._key).send(body).answer())
        return found


def _streams_on(instance: Service, port: int, key: str) -> list[LiveCall]:
    """Open long streams through the proxy until `instance` carries one; return them all."""
    calls: list[LiveCall] = []
    mark = f"of {instance.port}"
    while not _carries(instance, mark):
        assert len(calls) < 20, "The proxy asks the other one alone."
        text = f"sandbox:long=60 sandbox:interval=0.1 Расскажи {mark}"
        calls.append(LiveCall(port, key).send(_body(text, stream=True)))
        calls[-1].read_until(b'"content":"')
    return calls


def test_a_rolling_restart_refuses_nobody_cuts_no_stream_and_charges_each_answer_once(
    instances: list[Service], tmp_path: pathlib.Path
) -> None:
    first, _ = instances
    ports = [instance.port for instance in instances]
    key = first.fresh_key(balance="1000")
    with nginx(tmp_path / "nginx", *ports) as port, Load(port, key) as load:
        held = []
        for instance in instances:
            held += _streams_on(instance, port, key)
            instance.stop()
            instance.start()
            before = _asked(instance)
            wait_until(lambda: _asked(instance) > before, "it has its share again")  # noqa: B023
        answers = load.answers() + [call.answer() for call in held]

    log = (tmp_path / "nginx" / "log").read_text()
    failed = [answer for answer in answers if not (answer.is_done or _is_plain(answer))]
    assert not failed, f"{len(failed)} of {len(answers)}: {failed[:3]}\n{log[-4000:]}"
    assert len({answer.generation_id for answer in answers}) == len(answers)
    assert sum(map(_asked, instances)) == len(answers)
    with first.http(key) as http:
        statement: Any = http.get("/v1/credits").json(parse_float=Decimal)["data"]
    costs = [nano_of(answer.cost) for answer in answers]
    assert nano_of(Decimal(statement["total_usage"])) == sum(costs)
    account_id = first.account_of(key)
    settled = "SELECT count(*), sum(cost_nano) FROM billing_generation WHERE account_id = %s"
    assert first.query(settled, account_id) == [(len(answers), sum(costs))]
    assert first.query("SELECT 1 FROM billing_hold WHERE account_id = %s", account_id) == []
    first.audit()


def _is_plain(answer: LiveAnswer) -> bool:
    streamed = answer.headers.get("content-type", "").startswith("text/event-stream")
    return answer.status == 200 and answer.is_whole and not streamed
