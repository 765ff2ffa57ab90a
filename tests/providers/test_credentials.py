"""API keys: in the header, and nowhere else."""

import pytest

from gateway.providers._shared.credentials import ApiKey


def test_a_key_is_a_bearer_unless_the_provider_has_another_word() -> None:
    assert ApiKey(" sk-key\n").authorization() == "Bearer sk-key"
    assert ApiKey("AQVNkey", scheme="Api-Key").authorization() == "Api-Key AQVNkey"


def test_a_key_is_a_secret_and_cannot_be_renewed() -> None:
    key = ApiKey("AQVNkey")
    assert not key.renew(key.authorization())
    assert key.secrets() == ("AQVNkey",)


@pytest.mark.parametrize("key", [None, "", " \n"])
def test_without_a_key_nothing_is_said(key: str | None) -> None:
    assert ApiKey(key).authorization() is None
    assert ApiKey(key).secrets() == ()


@pytest.mark.parametrize("key", ["ключ", "a b", "a\r\nX: y", "a\x7f"])
def test_a_key_that_no_header_bears_is_refused_without_being_named(key: str) -> None:
    with pytest.raises(ValueError, match="printable") as caught:
        ApiKey(key)
    assert key not in str(caught.value)
