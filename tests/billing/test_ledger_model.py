"""The ledger against its reference: whatever is done in whatever order, both say the same."""

import uuid

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing.errors import AlreadySettled, InsufficientCredits
from billing.ledger import balances, ledger
from billing.ledger.audit import find_drift
from billing.ledger.charges import ChargeRule
from billing.ledger.holds import PlacedHold
from billing.ledger.settlement import Settled
from billing.ledger.sweep import sweep
from billing.models import ProcessLease
from tests.billing.payers import ask, end, open_account, pay_in, payer
from tests.billing.reference_ledger import ReferenceLedger

pytestmark = pytest.mark.both_stores

ACCOUNTS = 2
PROCESSES = ("first", "second")

accounts = st.integers(0, ACCOUNTS - 1)
amounts = st.integers(0, 12)
limits = st.one_of(st.none(), st.none(), amounts)
rules: st.SearchStrategy[ChargeRule] = st.sampled_from(["finished", "finished", "cut", "void"])


class LedgerMachine(RuleBasedStateMachine):
    holds = Bundle("holds")

    @initialize()
    def begin(self) -> None:
        self.reference = ReferenceLedger(ACCOUNTS)
        self.accounts = [open_account() for _ in range(ACCOUNTS)]
        self.process_ids = {name: uuid.uuid4() for name in PROCESSES}
        for process_id in self.process_ids.values():
            ProcessLease.objects.create(process_id=process_id, renewed_at=Now())
        self.granted: dict[int, PlacedHold] = {}

    @rule(account=accounts, amount=st.integers(1, 30))
    def top_up(self, account: int, amount: int) -> None:
        payment_id = str(uuid.uuid4())
        self.reference.come_in(account, amount)
        for _ in range(2):
            pay_in(self.accounts[account], amount, payment_id)

    @rule(account=accounts, amount=st.integers(-8, 8).filter(bool))
    def adjust(self, account: int, amount: int) -> None:
        is_possible = self.reference.come_in(account, amount)
        try:
            ledger.adjust(self.accounts[account].pk, amount, reason="A whim.", actor_id=None)
        except InsufficientCredits:
            assert not is_possible
        else:
            assert is_possible

    @rule(
        target=holds,
        account=accounts,
        key=st.integers(1, 2),
        bounds=st.tuples(amounts, amounts).map(sorted),
        limit=limits,
        process=st.sampled_from(PROCESSES),
    )
    def hold(
        self, account: int, key: int, bounds: list[int], limit: int | None, process: str
    ) -> int:
        number = len(self.granted) + 1
        least, wanted = bounds
        key_id = 10 * self.accounts[account].pk + key
        request = ask(payer(self.accounts[account], key_id=key_id, limit_nano=limit), wanted, least)

        expected = self.reference.hold(number, account, key_id, wanted, least, limit, process)
        [outcome] = ledger.hold([request], process_id=self.process_ids[process])

        if isinstance(outcome, Exception):
            assert expected is None
            outcome = PlacedHold(request.generation_id, self.accounts[account].pk, 0, 0, 0)
            self.reference.account_of[number] = account
        else:
            assert outcome.amount_nano == expected
        self.granted[number] = outcome
        return number

    @rule(chosen=st.lists(st.tuples(holds, rules, amounts), min_size=1, max_size=4))
    def settle(self, chosen: list[tuple[int, ChargeRule, int]]) -> None:
        expected = [self.reference.settle(*settlement) for settlement in chosen]
        outcomes = ledger.settle(
            [end(self.granted[number], cost, charge_rule) for number, charge_rule, cost in chosen]
        )
        for charged, outcome in zip(expected, outcomes, strict=True):
            if charged is None:
                assert isinstance(outcome, AlreadySettled)
            else:
                assert isinstance(outcome, Settled)
                assert outcome.charged_nano == charged

    @rule(process=st.sampled_from(PROCESSES))
    def die(self, process: str) -> None:
        self.reference.dead.add(process)
        ProcessLease.objects.filter(process_id=self.process_ids[process]).delete()

    @rule(process=st.sampled_from(PROCESSES))
    def come_back(self, process: str) -> None:
        if process in self.reference.dead:
            self.reference.dead.remove(process)
            process_id = self.process_ids[process]
            ProcessLease.objects.create(process_id=process_id, renewed_at=Now())

    @rule()
    def sweep(self) -> None:
        self.reference.sweep()
        sweep()

    @invariant()
    def both_say_the_same(self) -> None:
        for account, expected in zip(self.accounts, self.reference.accounts, strict=True):
            assert balances.exact(account.pk) == balances.Balance(expected.posted, expected.held)
            assert balances.statement(account.pk) == balances.Statement(
                expected.came_in, expected.used
            )
        assert list(find_drift()) == []


@pytest.mark.django_db
def test_the_ledger_is_what_its_reference_says():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
