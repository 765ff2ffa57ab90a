"""The ids of calls that bear what GigaChat called them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.gigachat.call_ids import state_id_of
from gateway.providers.gigachat.v2_call_ids import CallReference, read_call_id, write_call_id

MADE = "0123456789ab"
names = st.none() | st.uuids().map(str) | st.text(min_size=1, max_size=60)


@given(names, names)
def test_an_id_brings_back_what_went_into_it(own: str | None, state: str | None):
    call_id = write_call_id(CallReference(own, state), MADE)
    assert re.fullmatch("[A-Za-z0-9_-]+", call_id)
    assert read_call_id(call_id) == CallReference(own, state)


@given(st.uuids().map(str), st.uuids().map(str))
def test_the_first_form_takes_no_id_of_the_second_for_its_own(own: str, state: str):
    call_id = write_call_id(CallReference(own, state), MADE)
    assert len(call_id) == 54
    assert state_id_of(call_id) is None


@given(st.text())
def test_another_id_is_none_of_ours(text: str):
    assert read_call_id(text) is None or text.startswith("call_v2_")
    read_call_id(f"call_v2_{text}")


@pytest.mark.parametrize("call_id", ["", "call_abc", "call_v2_", "call_v2_!", "call_v2_AP8"])
def test_a_broken_id_is_none_of_ours(call_id: str):
    assert read_call_id(call_id) is None
