"""Carrying a plan out: callers, the worker's customers, and who kills and restarts meanwhile."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection, HTTPException

from bench.chaos.plan import ACCOUNTS, Ask, Move, Operation, Restart
from bench.chaos.worker import LedgerWorker
from tests.live.callers import LiveAnswer, LiveCall, parsed
from tests.live.outages import Postgres, Redis
from tests.live.service import Service

KILL_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """What one caller saw. `has_left`: it did not read to the end; `cost` is of good answers, in credits."""

    ask: Ask
    key: str
    sent_at: float
    has_left: bool
    answer: LiveAnswer
    code: str | None
    cost: Decimal | None


@dataclass(slots=True)
class ChaosStory:
    """All that was done to the service, and all that it said. Keys are those of the accounts now."""

    keys: list[str]
    accounts: list[int]
    outcomes: list[AskOutcome] = field(default_factory=list)
    payments: dict[str, tuple[int, int]] = field(default_factory=dict)
    refunds_done: set[str] = field(default_factory=set)
    refunds_asked: set[str] = field(default_factory=set)
    revoked: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    restarts: int = 0


class ChaosRun:
    """One run against a service. `stores` are what it stands on."""

    def __init__(
        self, service: Service, worker: LedgerWorker, postgres: Postgres, redis: Redis, *, seed: int
    ) -> None:
        self._service = service
        self._worker = worker
        self._stores: dict[str, Postgres | Redis] = {"postgres": postgres, "redis": redis}
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._is_over = threading.Event()
        keys = [
            service.fresh_key(balance=account.balance, test=account.is_test) for account in ACCOUNTS
        ]
        self.story = ChaosStory(keys, [service.account_of(key) for key in keys])

    def carry_out(
        self, operations: Iterable[Operation], *, callers: int, most_s: float
    ) -> ChaosStory:
        """Do all the operations, or as many as begin within `most_s`, and kill meanwhile."""
        until_s = time.monotonic() + most_s
        shared = iter(operations)
        killer = threading.Thread(target=self._kill)
        killer.start()
        try:
            with ThreadPoolExecutor(callers) as pool:
                done = [pool.submit(self._work, shared, until_s) for _ in range(callers)]
            for item in done:
                item.result()
        finally:
            self._is_over.set()
            killer.join()
        return self.story

    def _work(self, operations: Iterator[Operation], until_s: float) -> None:
        while time.monotonic() < until_s:
            with self._lock:
                operation = next(operations, None)
            match operation:
                case None:
                    return
                case Ask():
                    self.story.outcomes.append(self._ask(operation))
                case Move():
                    self._move(operation)
                case Restart():
                    self._restart(operation)

    def _ask(self, ask: Ask) -> AskOutcome:
        key = self.story.keys[ask.account_number]
        if ask.kind == "revoked key":
            key = next(iter(self.story.revoked), key)
        call = LiveCall(self._service.port, key).send(ask.body)
        has_left = ask.kind.startswith("leave")
        if ask.kind == "leave midway":
            while b'"delta":{"content":"' not in call.raw.replace(b'""', b"") and call.read_some():
                pass
        elif has_left:
            time.sleep(0.15)
        if has_left:
            call.leave()
            answer = parsed(call.raw)
            return AskOutcome(ask, key, call.sent_at, True, answer, None, None)
        answer = call.answer()
        is_good = answer.is_done or (answer.status == 200 and answer.is_whole and not ask.stream)
        cost = answer.cost if is_good else None
        return AskOutcome(ask, key, call.sent_at, False, answer, answer.code, cost)

    def _move(self, move: Move) -> None:
        story, account = self.story, self.story.accounts[move.account_number]
        match move.kind:
            case "top up":
                story.payments[move.payment_id] = account, move.amount_nano
                for _ in range(2):
                    self._worker.ask(
                        "top_up",
                        account=account,
                        amount_nano=move.amount_nano,
                        payment=move.payment_id,
                    )
            case "refund":
                charged = [outcome for outcome in list(story.outcomes)[-200:] if outcome.cost]
                if charged:
                    answered = charged[int(move.chance * len(charged))]
                    generation = (answered.answer.generation_id or "").removeprefix("gen-")
                    story.refunds_asked.add(generation)
                    if "error" not in self._worker.ask("refund", generation=generation):
                        story.refunds_done.add(generation)
            case "exchange key":
                is_test = ACCOUNTS[move.account_number].is_test
                fresh = self._worker.ask("issue", account=account, is_test=is_test)["key"]
                with self._lock:
                    old, story.keys[move.account_number] = story.keys[move.account_number], fresh
                story.revoked[old] = self._worker.ask("revoke", key=old)["at"]

    def _restart(self, restart: Restart) -> None:
        store = self._stores[restart.store]
        with self._restarting:  # on a slow machine the next one's turn comes before this one's end
            store.stop()
            time.sleep(restart.away_s)
            store.start()
        self.story.restarts += 1

    def _kill(self) -> None:
        """Kill a worker every two seconds, where one serves: a slow machine is given the time to boot one."""
        while not self._is_over.wait(KILL_EVERY_S):
            workers = self._service.workers()
            if workers and self._serves():
                os.kill(self._chance.choice(workers), signal.SIGKILL)
                self.story.kills += 1

    def _serves(self) -> bool:
        """Say whether a worker answers, whatever it says."""
        connection = HTTPConnection("127.0.0.1", self._service.port, timeout=KILL_EVERY_S)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/health")
                connection.getresponse()
            except (OSError, HTTPException):
                return False
        return True
