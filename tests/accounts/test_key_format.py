"""The text of a key: what is made is recognised, and nothing else is."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.keys.key_format import (
    ALPHABET,
    KEY_PATTERN,
    checksum,
    digest_of,
    make_key,
    well_formed,
)

# Computed by a bitwise CRC-32 and a base62 of another language.
KNOWN_CHECKSUMS = [
    ("123456789", "3jZRME"),
    ("xr-live-" + "0" * 43, "2ZjR7G"),
    ("xr-test-" + "z" * 43, "4W4l8B"),
    ("xr-live-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg", "1jA77t"),
    ("xr-live-" + "0" * 40 + "146", "00RQwK"),
]
bodies = st.builds(
    str.__add__,
    st.sampled_from(["xr-live-", "xr-test-"]),
    st.text(alphabet=ALPHABET, min_size=43, max_size=43),
)


@pytest.mark.parametrize(("body", "expected"), KNOWN_CHECKSUMS)
def test_the_checksum_is_a_padded_base62_crc32(body, expected):
    assert checksum(body) == expected


def test_the_digest_is_sha256_in_hex():
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(("is_test", "prefix"), [(False, "xr-live-"), (True, "xr-test-")])
def test_a_new_key_has_the_published_shape(is_test, prefix):
    raw = make_key(is_test=is_test)
    assert raw.startswith(prefix)
    assert len(raw) == 57
    assert re.fullmatch(KEY_PATTERN, raw)
    assert well_formed(raw)


def test_new_keys_differ_and_use_the_whole_alphabet():
    keys = {make_key(is_test=False) for _ in range(300)}
    assert len(keys) == 300
    assert set("".join(raw[8:51] for raw in keys)) == set(ALPHABET)


@given(bodies)
def test_any_body_with_its_checksum_is_well_formed(body):
    assert well_formed(body + checksum(body))


@given(bodies, st.integers(0, 56), st.sampled_from(ALPHABET))
def test_one_changed_character_is_noticed(body, place, letter):
    raw = body + checksum(body)
    assume(raw[place] != letter)
    assert not well_formed(raw[:place] + letter + raw[place + 1 :])


@given(bodies, st.integers(0, 56), st.characters(min_codepoint=128))
def test_a_look_alike_from_another_alphabet_is_no_key(body, place, letter):
    raw = body + checksum(body)
    assert not well_formed(raw[:place] + letter + raw[place + 1 :])


@given(bodies, st.sampled_from(["\n", " ", "\0", "a"]))
def test_nothing_may_follow_or_precede_a_key(body, letter):
    raw = body + checksum(body)
    assert not well_formed(raw + letter)
    assert not well_formed(letter + raw)


@given(st.text())
def test_no_text_breaks_the_check(text):
    assert not well_formed(text)
