"""How a provider is, in one word and three figures, for people and for /v1/providers/status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.health.windows import Measured

Word = Literal["operational", "degraded", "down"]

WELL = 0.95
"""Success rates below it are a fault, once WELL_ASKED requests have been counted."""
WELL_ASKED = 10


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """`success_rate` is that of the last minutes, 1.0 where nobody asked; `first_token_ms` None there."""

    provider: str
    word: Word
    success_rate: float
    first_token_ms: int | None
    asked: int
    at: datetime


def judged(
    provider: str,
    measured: Measured,
    *,
    routes: Sequence[bool],
    credentials: Sequence[bool],
    at: datetime,
) -> ProviderStatus:
    """Judge a provider; `routes` and `credentials` say of each that was in use whether it is out."""
    rate = 1.0 if measured.success_rate is None else measured.success_rate
    word: Word = "operational"
    if any(routes) or any(credentials) or (measured.asked >= WELL_ASKED and rate < WELL):
        word = "degraded"
    if any(map(_are_all, (routes, credentials))) or (measured.asked >= WELL_ASKED and rate == 0):
        word = "down"
    return ProviderStatus(
        provider=provider,
        word=word,
        success_rate=round(rate, 4),
        first_token_ms=measured.first_token_ms,
        asked=measured.asked,
        at=at,
    )


def _are_all(outs: Sequence[bool]) -> bool:
    return bool(outs) and all(outs)
