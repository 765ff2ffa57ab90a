"""The money of one request: what is held for it before the call, and what it is settled for after."""

import logging
import uuid
from dataclasses import dataclass, replace

from accounts.principal import Principal
from billing import generations, writer
from billing.charges import ChargeRule
from billing.errors import BillingError, StillSettling
from billing.generations import GenerationFacts
from billing.holds import Hold, HoldRequest
from billing.pricing import PriceValue, cost_nano
from billing.settlement import Settlement
from gateway import upstreams
from gateway.pipeline.reservation import Bounds
from gateway.providers.chat_types import Usage

logger = logging.getLogger(__name__)

SETTLEMENT_WAIT_S = 5.0
"""How long an answer waits for its settlement to be durable; the writer goes on by itself."""


@dataclass(frozen=True, slots=True)
class Payment:
    """An open hold. Where nothing is charged it is one of nothing, and the request is recorded all the same."""

    hold: Hold
    is_charged: bool
    is_sandboxed: bool

    @classmethod
    def open(cls, principal: Principal, model: str, needed: Bounds | None) -> "Payment":
        """Hold what is needed, durably; None means that nothing is charged. `model` is the caller's word.

        Raises InsufficientCredits, KeyLimitReached, MoneyStoreUnavailable.
        """
        hold = writer.hold(
            HoldRequest(
                generation_id=generations.new_id(),
                principal=principal,
                model=model,
                wanted_nano=needed.wanted_nano if needed else 0,
                least_nano=needed.least_nano if needed else 0,
            )
        )
        return cls(
            hold,
            is_charged=needed is not None,
            is_sandboxed=upstreams.is_sandboxed(is_test=principal.is_test),
        )

    @property
    def generation_id(self) -> uuid.UUID:
        return self.hold.generation_id

    @property
    def held_nano(self) -> int | None:
        """What the answer may cost; None where nothing is charged."""
        return self.hold.amount_nano if self.is_charged else None

    def settle(
        self, rule: ChargeRule, usage: Usage, price: PriceValue, facts: GenerationFacts
    ) -> int:
        """Book what the request came to; return what was charged, in nano-credits."""
        cost = 0
        if self.is_charged and rule != "void":
            cost = cost_nano(
                price,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                cached_tokens=usage.cached_tokens,
            )
        if self.is_sandboxed:  # it takes nothing for whatever it answers
            facts = replace(facts, upstream_cost_nano=0)
        settlement = Settlement(self.hold, rule, cost, facts)
        try:
            return writer.settle(settlement, timeout_s=SETTLEMENT_WAIT_S).charged_nano
        except StillSettling as error:
            # It is not lost: the writer goes on, and the caller has waited long enough.
            logger.warning("%s", error)
            return min(cost, self.hold.amount_nano) if rule == "cut" else cost
        except BillingError as error:
            # The caller has its answer already; what counts is the ledger, which says no.
            logger.error("The settlement of %s is refused: %s", self.generation_id, error)
            return 0
