"""`middle-out`: make a prompt fit its model by leaving out what stands in its middle. Pure.

Models heed the beginning and the end of a prompt most. Systems' messages, the first message and the
last are kept; a call and its results go together. What is then still too long is cut in its own middle.
"""

from dataclasses import replace

from gateway.pipeline.estimate import MESSAGE_TOKENS, prompt_tokens, text_tokens
from gateway.providers.chat_types import ChatRequest, Message
from gateway.providers.profile import ModelProfile

ELLIPSIS = "\n…\n"
ANSWER_SHARE = 4
"""At least one part in so many of the context is left to the answer."""


def middle_out(request: ChatRequest, profile: ModelProfile) -> ChatRequest:
    """Return `request` with messages that fit `profile`, as far as an estimate can tell."""
    answer_tokens = request.max_tokens or profile.max_output_tokens
    room = profile.context_tokens - min(answer_tokens, profile.context_tokens // ANSWER_SHARE)
    if prompt_tokens(request) <= room:
        return request
    rounds = _rounds(request.messages)
    while prompt_tokens(request) > room and (index := _middle(rounds)) is not None:
        del rounds[index]
        messages = tuple(message for members in rounds for message in members)
        request = replace(request, messages=messages)
    if (excess := prompt_tokens(request) - room) > 0:
        request = replace(request, messages=_cut_longest(request.messages, excess))
    return request


def _rounds(messages: tuple[Message, ...]) -> list[tuple[Message, ...]]:
    """Group messages that stand or fall together: a turn with calls and the results behind it."""
    rounds: list[tuple[Message, ...]] = []
    for message in messages:
        if message.role == "tool" and rounds:
            rounds[-1] = (*rounds[-1], message)
        else:
            rounds.append((message,))
    return rounds


def _middle(rounds: list[tuple[Message, ...]]) -> int | None:
    """Return the round nearest to the middle that may go: no system's, not the first, not the last."""
    said = [index for index, members in enumerate(rounds) if members[0].role != "system"]
    removable = said[1:-1]
    return removable[len(removable) // 2] if removable else None


def _cut_longest(messages: tuple[Message, ...], excess_tokens: int) -> tuple[Message, ...]:
    """Take the middle out of the longest message."""
    longest = max(range(len(messages)), key=lambda index: len(messages[index].content))
    text = messages[longest].content
    tokens = max(1, text_tokens(text))
    kept_tokens = max(2 * MESSAGE_TOKENS, tokens - excess_tokens - MESSAGE_TOKENS)
    kept = min(len(text), len(text) * kept_tokens // tokens)
    shortened = text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]
    return (
        *messages[:longest],
        replace(messages[longest], content=shortened),
        *messages[longest + 1 :],
    )
