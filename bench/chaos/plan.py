"""The operations of one run, all drawn from its seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

AskKind = Literal[
    "plain",
    "stream",
    "leave midway",
    "leave early",
    "leave plain",
    "upstream error",
    "upstream cut",
    "upstream silent",
    "filtered",
    "revoked key",
]
MoveKind = Literal["top up", "refund", "exchange key"]
StoreName = Literal["postgres", "redis"]

ASKS: dict[AskKind, int] = {
    "plain": 32,
    "stream": 22,
    "leave midway": 9,
    "leave early": 3,
    "leave plain": 4,
    "upstream error": 8,
    "upstream cut": 5,
    "upstream silent": 3,
    "filtered": 2,
    "revoked key": 2,
}
MOVES: dict[MoveKind, int] = {"top up": 5, "refund": 5, "exchange key": 2}
ERRORS = (
    "sandbox:error=500",
    "sandbox:429",
    "sandbox:reset",
    "sandbox:garbage",
    "sandbox:error=422",
)
PAID_MODELS = ("gigachat-pro", "yandexgpt", "gigachat-2-max", "yandexgpt:rc")
FREE_MODELS = ("gigachat-basic", "yandexgpt-lite")
REQUESTS_A_RESTART = 2500


@dataclass(frozen=True, slots=True)
class ChaosAccount:
    """An account of the run. `is_test`: its keys are answered by the service's own sandbox."""

    balance: str
    is_test: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        return FREE_MODELS if self.is_free else PAID_MODELS

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever credited to it, so that nothing is ever charged."""
        return self.balance == "0"


ACCOUNTS = (
    ChaosAccount("400"),
    ChaosAccount("500"),
    ChaosAccount("600"),
    ChaosAccount("30"),
    ChaosAccount("2"),
    ChaosAccount("0"),
    ChaosAccount("50", is_test=True),
)
CREDITED = [number for number, account in enumerate(ACCOUNTS) if not account.is_free]


@dataclass(frozen=True, slots=True)
class Ask:
    """One completion, and what its client and its upstream do."""

    kind: AskKind
    account_number: int
    model: str
    text: str
    stream: bool
    max_tokens: int

    @property
    def body(self) -> dict[str, object]:
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": self.text}],
            "max_tokens": self.max_tokens,
            "stream": self.stream,
        }


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of money, or a key's end. `amount_nano` is of top-ups; `chance` picks what to refund."""

    kind: MoveKind
    account_number: int
    amount_nano: int
    payment_id: str
    chance: float


@dataclass(frozen=True, slots=True)
class Restart:
    """A store that is away for `away_s`."""

    store: StoreName
    away_s: float


Operation = Ask | Move | Restart


def operations(seed: int, requests: int, *, restarts: int | None = None) -> Iterator[Operation]:
    """Draw the operations, `requests` of them completions; restarts stand evenly between them."""
    chance = random.Random(seed)
    restarts = requests // REQUESTS_A_RESTART if restarts is None else restarts
    spacing = requests // (2 * restarts + 1) if restarts else requests + 1
    stores: list[StoreName] = ["postgres", "redis"] * restarts
    asked = 0
    while asked < requests:
        if stores and asked and asked % spacing == 0:
            yield Restart(stores.pop(0), chance.uniform(0.3, 1.5))
        if chance.randrange(sum(ASKS.values()) + sum(MOVES.values())) < sum(MOVES.values()):
            yield _move(chance)
            continue
        asked += 1
        yield _ask(chance)


def _move(chance: random.Random) -> Move:
    [kind] = chance.choices(list(MOVES), list(MOVES.values()))
    return Move(
        kind,
        chance.choice(CREDITED),
        chance.randrange(1, 3 * 10**9),
        f"payment-{chance.getrandbits(64):016x}",
        chance.random(),
    )


def _ask(chance: random.Random) -> Ask:
    [kind] = chance.choices(list(ASKS), list(ASKS.values()))
    account = chance.randrange(len(ACCOUNTS))
    length = chance.randrange(5, 120)
    stream = kind in {"stream", "leave midway", "leave early", "upstream cut"}
    if kind in {"upstream error", "upstream silent", "filtered"}:
        stream = chance.random() < 0.5
    markers = {
        "leave midway": f"sandbox:long={length + 60} sandbox:interval=0.03",
        "leave early": "sandbox:slow=1",
        "leave plain": f"sandbox:slow=0.3 sandbox:long={length}",
        "upstream error": chance.choice(ERRORS),
        "upstream cut": f"sandbox:long={length + 20} sandbox:cut",
        "upstream silent": "sandbox:slow=4",
        "filtered": "sandbox:filter",
    }
    marker = markers.get(kind, f"sandbox:long={length}")
    return Ask(
        kind,
        account,
        chance.choice(ACCOUNTS[account].models),
        f"{marker} Расскажи, что будет {chance.randrange(10**6)}-го числа.",
        stream,
        chance.choice((20, 60, 200, 1000)),
    )
