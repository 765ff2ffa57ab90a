"""The status of a provider, one word and three figures, for the status page and /v1/providers/status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.health.windows import Measured

Word = Literal["operational", "degraded", "down"]

WELL = 0.95
"""A success rate below it is degraded, once there were WELL_ASKED requests."""
WELL_ASKED = 10


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """Figures of the last minutes. Without requests `success_rate` is 1.0 and `first_token_ms` None."""

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
    """Compute the status; `routes` and `credentials` say of each in use whether its breaker is open."""
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
