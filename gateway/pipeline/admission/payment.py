"""The money of one request: hold it before the provider is asked, settle it afterwards."""

import logging
import uuid
from dataclasses import replace
from typing import NamedTuple

from accounts.principal import Principal
from billing.errors import BillingError, StillSettling
from billing.ledger import writer
from billing.ledger.charges import ChargeRule
from billing.ledger.holds import HoldRequest, PlacedHold
from billing.ledger.settlement import Settlement
from billing.pricing import PriceValue, cost_nano
from billing.usage.generations import GenerationFacts
from gateway import upstreams
from gateway.pipeline.admission.reservation import Bounds
from gateway.providers.chat_types import Usage

logger = logging.getLogger(__name__)

SETTLEMENT_WAIT_S = 5.0
"""How long an answer waits for its settlement to be durable; after that the writer goes on alone."""


class RequestPayment(NamedTuple):
    """An open hold; of nothing where nothing is charged, so that the request is recorded all the same."""

    hold: PlacedHold
    is_charged: bool
    is_sandboxed: bool

    @classmethod
    def open(
        cls, generation_id: uuid.UUID, principal: Principal, model: str, needed: Bounds | None
    ) -> "RequestPayment":
        """Hold what is needed, durably; with `needed` None nothing is charged. `model` is the caller's name.

        Raises InsufficientCredits, KeyLimitReached, MoneyStoreUnavailable.
        """
        hold = writer.hold(
            HoldRequest(
                generation_id=generation_id,
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
        """What the answer may cost at most; None where nothing is charged."""
        return self.hold.amount_nano if self.is_charged else None

    def settle(
        self, rule: ChargeRule, usage: Usage, price: PriceValue, facts: GenerationFacts
    ) -> int:
        """Settle the hold; return the charge in nano-credits."""
        cost = 0
        if self.is_charged and rule != "void":
            cost = cost_nano(
                price,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                cached_tokens=usage.cached_tokens,
            )
        if self.is_sandboxed:  # the sandbox costs us nothing
            facts = replace(facts, upstream_cost_nano=0)
        settlement = Settlement(self.hold, rule, cost, facts)
        try:
            return writer.settle(settlement, timeout_s=SETTLEMENT_WAIT_S).charged_nano
        except StillSettling as error:
            # Not lost: the writer goes on, and the caller has waited long enough.
            logger.warning("%s", error)
            return min(cost, self.hold.amount_nano) if rule == "cut" else cost
        except BillingError as error:
            # The caller has its answer already, and the ledger has the last word.
            logger.error("The settlement of %s is refused: %s", self.generation_id, error)
            return 0
