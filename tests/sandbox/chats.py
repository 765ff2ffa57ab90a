"""Conversations for tests of the script, which need no wire."""

from typing import Any

from sandbox.core.conversation import Conversation, Reply, Turn
from sandbox.core.markers import read_markers
from sandbox.core.scenario import Scenario


def chat(*texts: str, system: str = "", **demands: Any) -> Conversation:
    """Return a conversation whose texts are by turns the user's and the assistant's."""
    turns = [
        Turn("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts)
    ]
    return Conversation((*([Turn("system", system)] if system else []), *turns), **demands)


def reply(*texts: str, system: str = "", **demands: Any) -> Reply:
    """Return what the script replies to such a conversation."""
    conversation = chat(*texts, system=system, **demands)
    return Scenario().reply(conversation, read_markers(conversation))


def say(*texts: str, system: str = "", **demands: Any) -> str:
    """Return the text of the reply."""
    return reply(*texts, system=system, **demands).text
