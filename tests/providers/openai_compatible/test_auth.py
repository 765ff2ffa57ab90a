"""The key: in the header, and nowhere else."""

import pytest

from gateway.providers.openai_compatible.auth import ApiKey
from tests.providers.openai_compatible.upstream import KEY


def test_a_key_is_a_bearer() -> None:
    assert ApiKey(f" {KEY}\n").headers == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("key", [None, "", " \n"])
def test_without_a_key_nothing_is_said(key: str | None) -> None:
    assert ApiKey(key).headers == {}
    assert ApiKey(key).scrub("все слова") == "все слова"


@pytest.mark.parametrize("key", ["ключ", "a b", "a\r\nX: y", "a\x7f"])
def test_a_key_that_no_header_bears_is_refused_without_being_named(key: str) -> None:
    with pytest.raises(ValueError, match="printable") as caught:
        ApiKey(key)
    assert key not in str(caught.value)


def test_the_key_is_taken_out_of_any_text() -> None:
    assert ApiKey("token-abc123").scrub("no token-abc123!") == "no ***!"


def test_a_placeholder_is_left_alone() -> None:
    assert ApiKey("ollama").scrub("ollama is up") == "ollama is up"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Incorrect API key provided: sk-abcd****wxyz.", "Incorrect API key provided: ***."),
        ("AQVNabcdefghijklmn", "***"),
        ("t1.9euelZqabcdef", "***"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "***"),
        ("got Bearer abcdefghijk", "got Bearer ***"),
        ("no model gpt://b1gfolder/yandexgpt/latest", "no model gpt://***/yandexgpt/latest"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, scrubbed: str) -> None:
    assert ApiKey(None).scrub(text) == scrubbed
