"""A caller with its tier: which models it may use, whether it is charged, and its rate limits."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from accounts.principal import Principal
from billing.ledger import balances
from billing.limits import request_limits
from billing.limits.request_limits import Admission
from billing.limits.tiers import Tier
from gateway import upstreams
from gateway.health import monitor
from gateway.health.routes import UNWATCHED, Health
from gateway.pipeline.errors import PaidModelOnFreeTier
from gateway.pipeline.request import RequestedModel


class CallerContext(NamedTuple):
    """A caller with its tier. Requests of test keys are free and may use every model.

    `is_charged`: the caller pays for its answers.
    """

    principal: Principal
    tier: Tier
    is_charged: bool

    @classmethod
    def of(cls, principal: Principal) -> "CallerContext":
        """Look the tier up. Raises MoneyStoreUnavailable."""
        tier = request_limits.tier_of(balances.posted_nano(principal.account_id))
        is_free = tier.is_free or upstreams.is_free_of_charge(is_test=principal.is_test)
        return cls(principal, tier, is_charged=not is_free)

    @property
    def health(self) -> Health:
        """The health that routing goes by; requests of test keys are not watched."""
        return UNWATCHED if self.principal.is_test else monitor.current()

    def within_tier(self, requested_models: Sequence[RequestedModel]) -> Sequence[RequestedModel]:
        """Return the models that the tier may use. Raises PaidModelOnFreeTier if there are none."""
        if not self.tier.is_free or self.principal.is_test:
            return requested_models
        if not settings.FREE_TIER:
            raise PaidModelOnFreeTier(
                "The free tier is closed at present: every model needs credits. Top up at"
                " /cabinet/billing/.",
                param="model",
            )
        free = [
            requested._replace(models=models)
            for requested in requested_models
            if (models := tuple(model for model in requested.models if model.is_free))
        ]
        if not free:
            raise PaidModelOnFreeTier(
                f"{requested_models[0].models[0].id} needs credits, and this account has none. Top up, or use"
                " a free model: GET /v1/models marks them with is_free.",
                param="model",
            )
        return free

    def admit(self, generation_id: uuid.UUID) -> Admission:
        """Count the request against every limit. Raises LimitExceeded, LimitStoreUnavailable."""
        return request_limits.admit(
            self.principal.account_id,
            self.principal.credential_id,
            self.tier,
            self.principal.limits,
            generation_id.hex,
        )

    def judge(self) -> None:
        """Judge the request as `admit` does, and count nothing. Raises what `admit` raises."""
        principal = self.principal
        request_limits.judge(
            principal.account_id, principal.credential_id, self.tier, principal.limits
        )


def give_connection_back() -> None:
    """Close the database connection, for none may be held while a provider answers."""
    database = connections[DEFAULT_DB_ALIAS]  # the proxy `connection` would look it up each time
    if database.connection is not None and not database.in_atomic_block:
        database.close()
