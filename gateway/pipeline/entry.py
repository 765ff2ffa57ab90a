"""Whether a caller may come in at all: tier, what is charged, and the count of requests."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import connection

from accounts.principal import Principal
from billing import balances, limits
from billing.limits import Admission
from billing.tiers import Tier
from gateway.pipeline.errors import PaidModelOnFreeTier
from gateway.pipeline.order import Wish


@dataclass(frozen=True, slots=True)
class Entry:
    """A caller with its tier. Test keys cost nothing and may use every model."""

    principal: Principal
    tier: Tier

    @classmethod
    def of(cls, principal: Principal) -> "Entry":
        """Look the tier up. Raises MoneyStoreUnavailable."""
        return cls(principal, limits.tier_of(balances.posted_nano(principal.account_id)))

    @property
    def is_charged(self) -> bool:
        return not (self.tier.is_free or self.principal.is_test)

    def within_tier(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        """Return of the wishes what the tier may use. Raises PaidModelOnFreeTier if that is nothing."""
        if self.is_charged or self.principal.is_test:
            return wishes
        free = [
            replace(wish, models=models)
            for wish in wishes
            if (models := tuple(model for model in wish.models if model.is_free))
        ]
        if not free:
            raise PaidModelOnFreeTier(
                f"{wishes[0].models[0].id} needs credits, and this account has none. Top up, or use"
                " a free model: GET /v1/models marks them with is_free.",
                param="model",
            )
        return free

    def admit(self) -> Admission:
        """Count the request against every limit. Raises LimitExceeded, LimitStoreUnavailable."""
        return limits.admit(
            self.principal.account_id,
            self.principal.credential_id,
            self.tier,
            self.principal.rate,
            uuid.uuid4().hex,
        )


def give_connection_back() -> None:
    """Hold no database connection while a provider talks."""
    if not connection.in_atomic_block:
        connection.close()
