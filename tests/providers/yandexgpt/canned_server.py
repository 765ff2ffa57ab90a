"""A loopback server that gives canned answers in order and remembers what it was asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.providers import canned
from tests.providers.canned import CannedRequest, Step, chunk


@dataclass(frozen=True, slots=True)
class Canned:
    """One answer. `pieces` go out as chunks, `pause_s` before each; a cut one lacks its end."""

    status: int = 200
    pieces: Sequence[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    cut: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Canned":
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, [json.dumps(value, ensure_ascii=False).encode()], named)

    def steps(self) -> Iterator[Step]:
        yield canned.head(self.status, {"Transfer-Encoding": "chunked", **self.headers})
        for piece in self.pieces:
            if self.pause_s:
                yield self.pause_s
            yield chunk(piece)
        yield "close" if self.cut else chunk("")


@dataclass(frozen=True, slots=True)
class CannedQuestion:
    """One request; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Any


class CannedYandexServer:
    """Gives each answer once, in order, and the last one for ever."""

    def __init__(self, *answers: Canned) -> None:
        self._answers = list(answers)
        self._server = canned.CannedServer(self._answer)

    def give(self, *answers: Canned) -> None:
        """Give these from now on."""
        self._answers = list(answers)

    @property
    def origin(self) -> str:
        return self._server.url

    @property
    def connections(self) -> int:
        return self._server.connections

    @property
    def asked(self) -> list[CannedQuestion]:
        return [
            CannedQuestion(
                request.target, request.headers, json.loads(request.body) if request.body else None
            )
            for request in self._server.requests
        ]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _answer(self, request: CannedRequest) -> Iterator[Step]:
        answers = self._answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer.steps()
