"""Our own policy on what goes in: looked at before money is held and a provider is asked."""

import unicodedata
from collections.abc import Iterable

from gateway.pipeline.errors import ModerationRefused
from gateway.providers.chat_types import ChatRequest

TEST_PHRASE = "xrouter-moderation-test"
FLAGGED_INPUT_CHARACTERS = 100

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


def screen(request: ChatRequest) -> None:
    """Refuse what the policy forbids in system, user and tool messages. Raises ModerationRefused."""
    screen_texts(message.content for message in request.messages if message.role != "assistant")


def screen_texts(texts: Iterable[str]) -> None:
    """Raise ModerationRefused at the first text that the policy forbids."""
    for text in texts:
        start = _folded(text).find(TEST_PHRASE)
        if start >= 0:
            raise ModerationRefused(["test"], text[start:][:FLAGGED_INPUT_CHARACTERS])


def _folded(text: str) -> str:
    """Undo case, compatibility forms and invisible letters, which hide a word from a plain search."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()
