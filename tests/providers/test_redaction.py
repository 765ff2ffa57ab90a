"""Secrets, known ones and what looks like one, are taken out of any text."""

import pytest

from gateway.providers._shared.redaction import redact


def test_known_secrets_of_any_look_are_taken_out() -> None:
    assert redact("key=hunter22; no hunter22!", ("hunter22", "")) == "key=***; no ***!"


def test_a_placeholder_too_short_to_be_a_secret_is_left_alone() -> None:
    assert (
        redact("ollama is up, test of id", ("ollama", "test", "id")) == "ollama is up, test of id"
    )


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Incorrect API key provided: sk-abcd****wxyz.", "Incorrect API key provided: ***."),
        ("AQVNabcdefghijklmn", "***"),
        ("no access with AQVNzmFkZXVwYmVpbmdhcGlrZXk, ask again", "no access with ***, ask again"),
        ("t1.9euelZqabcdef", "***"),
        ("t1.9euelZqOnJOKlcrPjZ2Mns6YkYrMi-3rnpWaz5bKnZ", "***"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "***"),
        ("eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamUifQ.c2lnbmF0dXJl", "***"),
        ("got Bearer abcdefghijk", "got Bearer ***"),
        ("no model gpt://b1gfolder/yandexgpt/latest", "no model gpt://***/yandexgpt/latest"),
        ("Specified folder ID 'mine' does not match", "Specified folder ID '***' does not match"),
        ("folder b1gvmob95yysaplct532", "folder ***"),
        ("account ajehr6tv2eoo3isdbv5e", "account ***"),
        ("все слова", "все слова"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted
