"""Ids of tool calls and the state inside them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.gigachat.call_ids import mint_call_id, state_id_of

STATE = "0199e210-2f13-744c-8fe5-000000000000"


@given(st.uuids())
def test_any_state_travels_in_an_id_of_forty_characters(state: UUID):
    call_id = mint_call_id(str(state), "0123456789ab")
    assert len(call_id) == 40
    assert state_id_of(call_id) == str(state)


@pytest.mark.parametrize("state", [None, "", "state-1", STATE.upper(), STATE.replace("-", "")])
def test_a_state_of_another_form_is_left_out(state: str | None):
    call_id = mint_call_id(state, "0123456789ab")
    assert call_id == "call_0123456789ab"
    assert state_id_of(call_id) is None


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "call_",
        "call_abc",
        "call_AbCdEfGhIjKlMnOpQrStUvWx",
        "toolu_01A09q90qw90lq917835lq9",
        "call_" + "A" * 21 + "B_0123456789ab",
        "call_" + "я" * 22 + "_0123456789ab",
        "call_" + "!" * 22 + "_0123456789ab",
    ],
)
def test_an_id_from_elsewhere_bears_no_state(foreign: str):
    assert state_id_of(foreign) is None


@given(st.text(max_size=60))
def test_no_text_makes_it_stumble(text: str):
    state = state_id_of(f"call_{text}")
    assert state is None or str(UUID(state)) == state
