"""Conversations for tests of the script, which need no wire."""

from typing import Any

from gateway.sandbox.conversation import Conversation, Reply, Turn
from gateway.sandbox.markers import read_markers
from gateway.sandbox.script import Script


def chat(*texts: str, system: str = "", **demands: Any) -> Conversation:
    """Return a conversation whose texts are by turns the user's and the assistant's."""
    turns = [
        Turn("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts)
    ]
    return Conversation((*([Turn("system", system)] if system else []), *turns), **demands)


def reply(*texts: str, system: str = "", **demands: Any) -> Reply:
    """Return what the script replies to such a conversation."""
    conversation = chat(*texts, system=system, **demands)
    return Script().reply(conversation, read_markers(conversation))


def say(*texts: str, system: str = "", **demands: Any) -> str:
    """Return the text of the reply."""
    return reply(*texts, system=system, **demands).text
