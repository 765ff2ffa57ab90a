"""What a test may turn on a running sandbox: its settings, and the slots they cap."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass(slots=True)
class Settings:
    """Settings of a sandbox; they hold for the next request on.

    `strict` refuses unknown fields, which the real services may ignore. `split` cuts every
    body into writes of that many bytes. `latency_s` is the silence before every answer. Without
    `gigachat_second_form` GigaChat's `/v2` is a page of 403.
    """

    strict: bool = True
    token_lifetime_s: float = 1800.0
    iam_token_lifetime_s: float = 43_200.0
    gigachat_parallel: int | None = None
    gigachat_second_form: bool = True
    yandex_parallel: int | None = None
    split: int | None = None
    latency_s: float = 0.0
    interval_s: float = 0.01

    def reset(self) -> None:
        """Restore the defaults, in place."""
        for field in fields(self):
            setattr(self, field.name, field.default)


class NoFreeSlot(Exception):
    """Say that as many requests run at once as are allowed."""

    def __init__(self, allowed: int) -> None:
        super().__init__(allowed)
        self.allowed = allowed


class Slots:
    """Count the generations that run at once, against a cap read each time."""

    def __init__(self, cap: Callable[[], int | None]) -> None:
        self._cap = cap
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot. Raises NoFreeSlot."""
        with self._lock:
            allowed = self._cap()
            if allowed is not None and self._taken >= allowed:
                raise NoFreeSlot(allowed)
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1
