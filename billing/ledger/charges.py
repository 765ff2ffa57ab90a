"""How much of an answer's cost the account pays, and how much is written off. Pure."""

from dataclasses import dataclass
from typing import Literal, assert_never

ChargeRule = Literal["finished", "cut", "void"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What an answer costs, and the part of it that is written off."""

    cost_nano: int
    write_off_nano: int = 0

    @property
    def charged_nano(self) -> int:
        """What the account pays."""
        return self.cost_nano - self.write_off_nano


def charge_of(rule: ChargeRule, cost_nano: int, *, hold_nano: int, available_nano: int) -> Charge:
    """Return the charge; `available_nano` is the available balance, this hold not included.

    A finished answer is charged exactly: what exceeds the hold is taken from the available balance,
    and the rest written off. A cut one costs the hold at most, a void one nothing. What is held is paid
    also where a refund at the shop has left less than nothing available.
    """
    match rule:
        case "finished":
            return Charge(cost_nano, max(0, cost_nano - hold_nano - max(0, available_nano)))
        case "cut":
            return Charge(min(cost_nano, hold_nano))
        case "void":
            return Charge(0)
        case _:
            assert_never(rule)
