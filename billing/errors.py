"""The errors of billing; gateway/api/errors.py maps them to HTTP statuses."""

from infra.credits import credits_text


class BillingError(Exception):
    """Any refusal of the ledger."""


class InsufficientCredits(BillingError):
    """The available balance does not cover the minimum that is needed."""

    def __init__(self, *, needed_nano: int, available_nano: int) -> None:
        super().__init__(
            f"This needs {credits_text(needed_nano)} credits at least, and"
            f" {credits_text(available_nano)} are available. Top up the balance, or ask for less:"
            " a shorter prompt, a smaller `max_tokens`, a cheaper model."
        )
        self.needed_nano = needed_nano
        self.available_nano = available_nano


class KeyLimitReached(BillingError):
    """The rest of the key's own budget does not cover the minimum that is needed."""

    def __init__(self, *, needed_nano: int, left_nano: int) -> None:
        super().__init__(
            f"This needs {credits_text(needed_nano)} credits at least, and the key's own limit"
            f" leaves {credits_text(max(0, left_nano))}. Raise the limit, wait for its reset, or use"
            " another key."
        )
        self.needed_nano = needed_nano
        self.left_nano = left_nano


class AlreadySettled(BillingError):
    """The hold is no longer open: it has been settled elsewhere."""


class StillSettling(BillingError):
    """The settlement is not durable yet; it continues in the background."""


class UnknownAccount(BillingError):
    """No such account."""


class AmountOutOfRange(BillingError):
    """The amount does not fit its column, or has a sign that its kind must not have."""


class MovementRefused(BillingError):
    """The ledger's rules forbid this movement, such as a refund above its charge."""


class RecordRefused(BillingError):
    """The database refuses this row; the others of the batch are not affected."""


class MoneyStoreUnavailable(BillingError):
    """The database is away, or too slow to wait for."""


class MoneyStoreBusy(MoneyStoreUnavailable):
    """So many wait for the database already that one more would wait in vain."""


class InvalidAmount(BillingError):
    """The amount is outside the bounds of a top-up."""


class NoShop(BillingError):
    """No shop is configured at the payment provider, or its secret is missing."""


class MethodsNotSaved(BillingError):
    """The shop may take payments, and not save what they are paid with."""


class NoSavedMethod(BillingError):
    """The account has no saved payment method."""


class PaymentProviderAway(BillingError):
    """The payment provider does not answer, or not as it should."""


class RedemptionRefused(BillingError):
    """The account cannot redeem this code, or the code cannot be voided; the text says why."""


class BatchMade(BillingError):
    """The batch of codes exists already: its form was sent twice."""


class AccountHasMoney(BillingError):
    """Credits are left on the account, or a request or a payment of it is under way."""
