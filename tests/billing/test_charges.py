"""The charge rule, by itself: what the account pays and what is ours to bear."""

from hypothesis import given
from hypothesis import strategies as st

from billing.ledger.charges import charge_of

nano = st.integers(0, 10**12)


@given(nano, nano, nano)
def test_a_finished_answer_is_paid_in_full_or_down_to_the_last_credit(cost, hold, available):
    charge = charge_of("finished", cost, hold_nano=hold, available_nano=available)

    assert charge.cost_nano == cost
    assert charge.charged_nano == min(cost, hold + available)


@given(nano, nano, nano)
def test_a_cut_answer_is_paid_from_its_hold_alone(cost, hold, available):
    charge = charge_of("cut", cost, hold_nano=hold, available_nano=available)

    assert charge.charged_nano == charge.cost_nano == min(cost, hold)


@given(nano, nano, nano)
def test_a_void_answer_is_free(cost, hold, available):
    charge = charge_of("void", cost, hold_nano=hold, available_nano=available)

    assert (charge.cost_nano, charge.charged_nano, charge.write_off_nano) == (0, 0, 0)
