"""The one token counter of the sandbox: about four characters a token, a word at least one."""

import re
from collections.abc import Iterable

# A single blank belongs to the token it precedes, so that the tokens of a text join to the text.
_TOKEN = re.compile(r" ?\w{1,4}| ?[^\w\s]|\s")
_WORD = re.compile(r"\s*\S+|\s+$")

# A chat template frames every message with its role and two marks.
MESSAGE_FRAME = ("<|message|>", "<|role|>", "<|end|>")


def split_tokens(text: str) -> list[str]:
    """Return the tokens of a text; joined they are the text again."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return sum(1 for _ in _TOKEN.finditer(text))


def count_prompt_tokens(messages: Iterable[str]) -> int:
    """Return the tokens of rendered messages inside the chat template."""
    return sum(count_tokens(message) + len(MESSAGE_FRAME) for message in messages)


def cut_tokens(text: str, most: int | None) -> tuple[str, bool]:
    """Return the text within a token limit, and whether it had to be cut."""
    if most is None or count_tokens(text) <= most:
        return text, False
    return "".join(split_tokens(text)[:most]), True


def split_words(text: str) -> list[str]:
    """Return the words of a text with the white space before each; joined they are the text."""
    return _WORD.findall(text)
