"""What the service took in on a day, counted or not yet, and what stands open."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.ledger import low_balance
from billing.usage import aggregation, revenue
from infra.moscow_time import moscow_day
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, pay_in, payer, settle_one
from tests.billing.usage_rows import begin, use

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_a_day_sums_all_accounts_before_and_after_it_is_counted():
    now = timezone.now() - dt.timedelta(hours=2)
    day = moscow_day(now)
    rich, poor = open_account(10 * CREDIT), open_account(10 * CREDIT)
    use(payer(rich), now, CREDIT, model_id="a", upstream_cost_nano=CREDIT // 4)
    use(payer(poor), now, 2 * CREDIT, model_id="a", upstream_cost_nano=CREDIT)
    use(payer(poor), now, 0, model_id="b", error_code="provider_error")
    use(payer(poor), now - dt.timedelta(days=1), CREDIT, model_id="a")
    still_open = begin(payer(rich), now, CREDIT)
    fresh = revenue.of_day(day)

    aggregation.aggregate()
    settle_one(end(still_open, CREDIT, "finished", model_id="b"))

    assert (fresh.requests, fresh.errors, fresh.active_accounts) == (3, 1, 2)
    assert (fresh.revenue_nano, fresh.upstream_cost_nano) == (3 * CREDIT, 5 * CREDIT // 4)
    assert fresh.margin_nano == 7 * CREDIT // 4
    assert (fresh.margin_percent, fresh.error_percent) == (Decimal("58.3"), Decimal("33.3"))
    assert [(model.model_id, model.requests) for model in fresh.top_models] == [("a", 2), ("b", 1)]
    after = revenue.of_day(day)
    assert (after.requests, after.active_accounts) == (4, 2)
    assert after.revenue_nano == 4 * CREDIT
    assert revenue.of_day(day - dt.timedelta(days=1)).revenue_nano == CREDIT


def test_a_day_on_which_nobody_asked_has_no_rates():
    empty = revenue.of_day(dt.date(2001, 1, 1))
    assert (empty.requests, empty.active_accounts, empty.top_models) == (0, 0, ())
    assert empty.error_percent is None
    assert empty.margin_percent is None


def test_what_is_open_is_counted():
    account, other = open_account(3 * CREDIT), open_account(3 * CREDIT)
    low_balance.choose(account.pk, 5 * CREDIT)
    low_balance.choose(other.pk, CREDIT)
    hold_one(ask(payer(account), 2 * CREDIT))

    assert revenue.open_positions() == revenue.OpenPositions(1, 2 * CREDIT, 1)

    pay_in(account, 5 * CREDIT, "enough")
    assert revenue.open_positions().low_balances == 0
