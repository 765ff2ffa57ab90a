"""Accounts with credits, and what they ask of the ledger, as most tests here begin."""

import uuid
from collections.abc import Sequence
from itertools import count

from accounts.models import Account
from accounts.principal import CredentialKind, KeyBudget, LimitReset, Principal
from accounts.users import register
from billing.errors import BillingError
from billing.ledger import ledger
from billing.ledger.charges import ChargeRule
from billing.ledger.holds import HoldRequest, PlacedHold
from billing.ledger.ledger import Movement
from billing.ledger.settlement import Settled, Settlement
from billing.models import Payment, PaymentRefund
from billing.usage import generations
from billing.usage.generations import GenerationFacts
from infra.credits import NANO_PER_CREDIT

CREDIT = NANO_PER_CREDIT
MODEL = "gigachat-pro"
PROCESS = uuid.UUID(int=1)

_numbers = count(1)


def open_account(amount_nano: int = 0) -> Account:
    """Return a new person's account with credits."""
    account = register(email=f"payer-{next(_numbers)}-{uuid.uuid4().hex}@example.ru")
    if amount_nano:
        pay_in(account, amount_nano, f"payment-{uuid.uuid4()}")
    return account


def pay_in(
    account: Account, amount_nano: int, payment_id: str = "payment", *, reason: str = ""
) -> Movement:
    """Credit a payment that the shop has taken."""
    movement = ledger.top_up(account.pk, amount_nano, payment_id=payment_id, reason=reason)
    if movement.is_new:
        Payment.objects.create(
            account=account,
            amount_nano=amount_nano,
            provider_id=payment_id,
            status="succeeded",
            entry_id=movement.entry_id,
        )
    return movement


def refunded(account: Account, amount_nano: int, refund_id: str = "") -> Movement:
    """Take back what the shop has given back of the account's last payment."""
    refund_id = refund_id or f"refund-{uuid.uuid4()}"
    movement = ledger.take_back(account.pk, amount_nano, refund_id=refund_id, reason="YooKassa")
    payment = Payment.objects.filter(account=account).latest("pk")
    PaymentRefund.objects.create(
        payment=payment,
        provider_id=refund_id,
        amount_nano=amount_nano,
        entry_id=movement.entry_id,
    )
    return movement


def payer(
    account: Account,
    *,
    key_id: int = 1,
    kind: CredentialKind = "key",
    limit_nano: int | None = None,
    reset: LimitReset | None = None,
) -> Principal:
    """Return a caller that the account pays for; with a limit, its key has a budget."""
    return Principal(
        account_id=account.pk,
        user_id=account.owner_id,
        credential_kind=kind,
        credential_id=key_id,
        scopes=frozenset({"chat"}),
        label="shell",
        budget=None if limit_nano is None else KeyBudget(limit_nano, reset),
    )


def ask(
    principal: Principal, wanted_nano: int, least_nano: int | None = None, **changes: uuid.UUID
) -> HoldRequest:
    """Return a request for a hold, of the wanted amount exactly unless the least is named."""
    return HoldRequest(
        generation_id=changes.get("generation_id") or generations.new_id(),
        principal=principal,
        model=MODEL,
        wanted_nano=wanted_nano,
        least_nano=wanted_nano if least_nano is None else least_nano,
    )


def hold_one(request: HoldRequest, process_id: uuid.UUID = PROCESS) -> PlacedHold:
    """Return the hold, or raise why there is none."""
    [outcome] = ledger.hold([request], process_id=process_id)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def all_held(outcomes: Sequence[PlacedHold | BillingError]) -> list[PlacedHold]:
    """Return the outcomes of a batch that nothing was refused in."""
    held = [outcome for outcome in outcomes if isinstance(outcome, PlacedHold)]
    assert len(held) == len(outcomes)
    return held


def all_settled(outcomes: Sequence[Settled | BillingError]) -> list[Settled]:
    """Return the outcomes of a batch that nothing was refused in."""
    settled = [outcome for outcome in outcomes if isinstance(outcome, Settled)]
    assert len(settled) == len(outcomes)
    return settled


def end(
    hold: PlacedHold, cost_nano: int = 0, rule: ChargeRule = "finished", **facts: object
) -> Settlement:
    """Return a settlement of the hold."""
    known = GenerationFacts(**({"model_id": MODEL} | facts))  # type: ignore[arg-type]
    return Settlement(hold, rule, cost_nano, known)


def settle_one(settlement: Settlement) -> Settled:
    """Return what the settlement came to, or raise why there is none."""
    [outcome] = ledger.settle([settlement])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
