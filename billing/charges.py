"""How much of an answer's cost its account pays, and how much is ours to bear. Pure."""

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
    """Return the charge; `available_nano` is what the account has beside this hold.

    A finished answer is charged exactly: above the hold from what is available, the rest written off.
    A cut one never costs more than the hold, a void one nothing.
    """
    match rule:
        case "finished":
            return Charge(cost_nano, max(0, cost_nano - hold_nano - available_nano))
        case "cut":
            return Charge(min(cost_nano, hold_nano))
        case "void":
            return Charge(0)
        case _:
            assert_never(rule)
