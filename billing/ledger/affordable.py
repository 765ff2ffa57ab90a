"""What a hold would get at this moment, for those who ask before they send."""

from accounts.principal import Principal
from billing.errors import BillingError
from billing.ledger import balances, key_budgets
from billing.ledger.holds import granted_nano


def affordable_nano(principal: Principal, *, wanted_nano: int, least_nano: int) -> int:
    """Return what a hold of `wanted_nano`, or at least `least_nano`, would take now; nothing is held.

    Raises InsufficientCredits, KeyLimitReached, MoneyStoreUnavailable.
    """
    granted = granted_nano(
        wanted_nano,
        least_nano,
        available_nano=balances.exact(principal.account_id).available_nano,
        left_nano=None
        if principal.budget is None
        else key_budgets.standing_of(principal).left_nano,
    )
    if isinstance(granted, BillingError):
        raise granted
    return granted
