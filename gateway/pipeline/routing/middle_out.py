"""`middle-out`: make a prompt fit its model by dropping messages from its middle. Pure.

Models heed the beginning and the end of a prompt most. System messages, the first and the last message are
kept; a call and its results are dropped together. If that is not enough the longest message is cut, and the
next longest, until they fit.
"""

from gateway.pipeline.token_estimate import MESSAGE_TOKENS, prompt_tokens, text_tokens
from gateway.providers.chat_types import ChatRequest, Message
from gateway.providers.profile import ModelProfile

ELLIPSIS = "\n…\n"
ANSWER_SHARE = 4
"""At least 1/ANSWER_SHARE of the context is left to the answer."""

MOST_CUTS = 8
"""So many messages are cut at most: those of the system, the first and the last are seldom more."""


def middle_out(request: ChatRequest, profile: ModelProfile) -> ChatRequest:
    """Return `request` with messages that fit `profile`, as far as an estimate can tell."""
    answer_tokens = request.max_tokens or profile.max_output_tokens
    room = profile.context_tokens - min(answer_tokens, profile.context_tokens // ANSWER_SHARE)
    excess = prompt_tokens(request) - room
    if excess <= 0:
        return request
    rounds = _rounds(request.messages)
    dialogue = [index for index, members in enumerate(rounds) if members[0].role != "system"]
    removable, gone = dialogue[1:-1], set()
    while excess > 0 and removable:
        index = removable.pop(len(removable) // 2)
        excess -= prompt_tokens(ChatRequest(rounds[index]))
        gone.add(index)
    kept = (members for index, members in enumerate(rounds) if index not in gone)
    request = request._replace(messages=tuple(message for members in kept for message in members))
    for _ in range(MOST_CUTS):
        if (excess := prompt_tokens(request) - room) <= 0:
            break
        request = request._replace(messages=_cut_longest(request.messages, excess))
    return request


def _rounds(messages: tuple[Message, ...]) -> list[tuple[Message, ...]]:
    """Group each turn that makes calls with the results that follow it."""
    rounds: list[tuple[Message, ...]] = []
    for message in messages:
        if message.role == "tool" and rounds:
            rounds[-1] = (*rounds[-1], message)
        else:
            rounds.append((message,))
    return rounds


def _cut_longest(messages: tuple[Message, ...], excess_tokens: int) -> tuple[Message, ...]:
    """Cut the middle out of the longest message."""
    longest = max(range(len(messages)), key=lambda index: len(messages[index].content))
    text = messages[longest].content
    tokens = max(1, text_tokens(text))
    kept_tokens = max(2 * MESSAGE_TOKENS, tokens - excess_tokens - MESSAGE_TOKENS)
    kept = min(len(text), len(text) * kept_tokens // tokens)
    shortened = text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]
    return (
        *messages[:longest],
        messages[longest]._replace(content=shortened),
        *messages[longest + 1 :],
    )
