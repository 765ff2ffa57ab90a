"""Whole numbers of any length are read and written exactly, and all else as orjson does."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import exact_json

ACCOUNT = b'{"account":40817810099910004312,"sum":1.5,"name":"\xd0\x9e\xd0\x9e\xd0\x9e"}'


@pytest.mark.parametrize("data", [ACCOUNT, ACCOUNT.decode()])
def test_the_twenty_digits_of_an_account_come_back_as_they_were(data: bytes | str) -> None:
    value = exact_json.loads(data)

    assert value["account"] == 40817810099910004312
    assert exact_json.dumps(value) == ACCOUNT


@pytest.mark.parametrize("data", [b'{"a": NaN, "b": 1234567890123456789012}', b"", b"{", "\ud800"])
def test_what_is_no_json_is_refused_as_ever(data: bytes | str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        exact_json.loads(data)


@pytest.mark.parametrize("value", ["\ud800", {"a": {2**70, 1}}, [2**70, "\ud800"]])
def test_what_cannot_be_written_is_refused_as_ever(value: Any) -> None:
    with pytest.raises(orjson.JSONEncodeError):
        exact_json.dumps(value)


def test_a_number_of_thousands_of_digits_is_no_failure() -> None:
    assert isinstance(exact_json.loads(b"[" + b"9" * 300 + b"]")[0], int)
    exact_json.loads(b'{"a": ' + b"[" * 900 + b"9" * 20 + b"]" * 900 + b"}")


@given(st.recursive(st.integers() | st.text() | st.none() | st.booleans(), st.lists))
def test_what_is_written_is_read_again(value: Any) -> None:
    try:
        written = exact_json.dumps(value)
    except orjson.JSONEncodeError:  # a lone surrogate
        return
    assert exact_json.loads(written) == value
