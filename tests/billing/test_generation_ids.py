"""The ids of generations: ordered by time, and read and written in one form only."""

import time
import uuid

import pytest

from billing.usage.generations import new_id, parse_public_id, public_id


def test_ids_are_uuids_of_version_seven_that_nobody_can_guess():
    ids = [new_id() for _ in range(1000)]

    assert {(found.version, found.variant) for found in ids} == {(7, uuid.RFC_4122)}
    assert len({found.int & (1 << 62) - 1 for found in ids}) == 1000
    assert len({found.int >> 64 & 0xFFF for found in ids}) > 100


def test_a_later_id_is_greater_and_knows_its_time():
    before_ms = time.time_ns() // 1_000_000
    first = new_id()
    while time.time_ns() // 1_000_000 <= first.int >> 80:
        pass
    second = new_id()

    assert before_ms <= first.int >> 80 < second.int >> 80
    assert first < second


def test_an_id_is_read_as_it_was_written():
    generation_id = new_id()

    assert public_id(generation_id) == f"gen-{generation_id.hex}"
    assert parse_public_id(public_id(generation_id)) == generation_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gen-",
        "0" * 32,
        "gen-" + "0" * 31,
        "gen-" + "0" * 33,
        "gen-" + "A" * 32,
        "GEN-" + "a" * 32,
        "gen-" + "٠" * 32,
        "gen-" + "0" * 32 + "\n",
        "gen-01a2041d-455e-7ab8-a9aa-63a5eb2b9f0c",
    ],
)
def test_another_form_is_no_id(text):
    assert parse_public_id(text) is None


@pytest.mark.parametrize("prefix", ["gen-", "msg_", "resp_"])
def test_the_ids_of_all_protocols_are_read(prefix):
    generation_id = new_id()

    assert parse_public_id(prefix + generation_id.hex) == generation_id
