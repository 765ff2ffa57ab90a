"""How money can say no. The statuses that callers see stand in gateway/api/errors.py alone."""

from billing.pricing import credits_text


class BillingError(Exception):
    """Any refusal of the ledger."""


class InsufficientCredits(BillingError):
    """What is available does not cover the least that is needed."""

    def __init__(self, *, needed_nano: int, available_nano: int) -> None:
        super().__init__(
            f"This needs {credits_text(needed_nano)} credits at least, and"
            f" {credits_text(available_nano)} are available. Top up the balance, or ask for less:"
            " a shorter prompt, a smaller `max_tokens`, a cheaper model."
        )
        self.needed_nano = needed_nano
        self.available_nano = available_nano


class KeyLimitReached(BillingError):
    """What is left of the key's own budget does not cover the least that is needed."""

    def __init__(self, *, needed_nano: int, left_nano: int) -> None:
        super().__init__(
            f"This needs {credits_text(needed_nano)} credits at least, and the key's own limit"
            f" leaves {credits_text(max(0, left_nano))}. Raise the limit, wait for its reset, or use"
            " another key."
        )
        self.needed_nano = needed_nano
        self.left_nano = left_nano


class AlreadySettled(BillingError):
    """The hold is not open any more: somebody else settled it."""


class StillSettling(BillingError):
    """The settlement is not durable yet; it goes on without the caller, and is not lost."""


class UnknownAccount(BillingError):
    """No such account."""


class AmountOutOfRange(BillingError):
    """An amount that no row can hold, or of a sign that its kind cannot have."""


class MovementRefused(BillingError):
    """A movement by hand that the ledger's rules forbid, such as a refund above its charge."""


class RecordRefused(BillingError):
    """The database refuses the row; its neighbours in the batch are not concerned."""


class MoneyStoreUnavailable(BillingError):
    """The database is away, or too slow to wait for."""


class InvalidAmount(BillingError):
    """No amount that a top-up can have."""


class NoShop(BillingError):
    """No shop is configured at the payment provider, or its secret is missing."""


class PaymentProviderAway(BillingError):
    """The payment provider does not answer, or not as it should."""
