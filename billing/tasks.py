"""The periodic tasks of billing. Each may safely run twice, late, in parallel, or be killed."""

from django.utils.translation import gettext as _

from billing.errors import PaymentProviderAway
from billing.ledger import audit, low_balance
from billing.limits import counters
from billing.payments import auto_top_up, refunds, shop_faults, top_ups
from billing.usage import aggregation, partitions, refusals, retention, spending_surges
from infra import incidents

DRIFT = "drift"
"""The incident of books that do not add up."""


def aggregate_usage() -> None:
    """Aggregate newly settled generations into usage by day."""
    aggregation.aggregate()


def keep_generations() -> None:
    """Create the partitions of the coming months; delete old generations, refusals and counts of requests."""
    partitions.make_ahead()
    retention.drop_old()
    refusals.drop_old()
    counters.drop_old()


def audit_books() -> None:
    """Recompute balances and days of usage; drift is logged as an error and mailed.

    What is new since the last audit is read, and everything once a week and until a drift is mended.
    """
    since = None if incidents.is_open(DRIFT) else audit.checkpoint_to_go_on_from()
    found = [str(drift) for drift in audit.run(since)]
    days = aggregation.find_drift(audit.first_day(since))
    found += [f"Usage does not add up: {drift}" for drift in days]
    if found:
        incidents.begin(DRIFT, _("XRouter: the books do not add up"), "\n".join(found))
    else:
        incidents.end(
            DRIFT, _("XRouter: the books add up again"), _("The books add up again: drift 0.")
        )


def find_spending_surges() -> None:
    """Raise an event for each key or account that spends far more today than usual."""
    spending_surges.find()


def poll_payments() -> None:
    """Refresh the payments whose webhook has not come, and tell of a shop that is away."""
    top_ups.poll_pending()
    shop_faults.tell()


def top_up_automatically() -> None:
    """Charge the saved payment methods of accounts whose balance has fallen below their threshold."""
    auto_top_up.run_due()


def find_refunds() -> None:
    """Take back the refunds at the shop whose notice has not come."""
    try:
        refunds.find_missed()
    except PaymentProviderAway as error:
        shop_faults.away(error)


def send_low_balance_alerts() -> None:
    """Mail the accounts whose balance has fallen below their threshold."""
    low_balance.send_due()
