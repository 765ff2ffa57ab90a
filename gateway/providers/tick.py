"""A sign of life from a wait, so that its reader may say something to the caller meanwhile."""

from dataclasses import dataclass
from typing import final

TICK_S = 3.0
"""The longest a stream is silent without yielding a tick."""


@final
@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing has come for `TICK_S`. It carries no data and is no part of an answer."""


TICK = Tick()
