"""`middle-out`: make a prompt fit its model by dropping messages from its middle. Pure.

Models heed the beginning and the end of a prompt most. System messages, the first and the last message are
kept; a call and its results are dropped together. If that is not enough the longest text is cut, and the next
longest, until they fit: a message's content, or the texts within a call's arguments, which stay an object.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.pipeline.token_estimate import MESSAGE_TOKENS, prompt_tokens, text_tokens
from gateway.providers._shared.history import arguments_object
from gateway.providers.chat_types import ChatRequest, Message, ToolCall
from gateway.providers.profile import ModelProfile
from infra import exact_json

ELLIPSIS = "\n…\n"
ANSWER_SHARE = 4
"""At least 1/ANSWER_SHARE of the context is left to the answer."""

MOST_CUTS = 64
"""So many texts are cut at most: a turn may make many calls, with long arguments and a long result each."""

LEAST_TOKENS = 2 * MESSAGE_TOKENS
"""A text is cut to no less."""

LEAST_CHARACTERS = 16
"""So much of each long text within arguments is kept at least."""


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
        messages = _with_longest_cut(request.messages, excess)
        if messages is None:
            break
        request = request._replace(messages=messages)
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


def _with_longest_cut(
    messages: tuple[Message, ...], excess_tokens: int
) -> tuple[Message, ...] | None:
    """Cut the longest text of the messages; None where all are short already."""
    place = max(range(len(messages)), key=lambda index: _longest(messages[index]))
    message = messages[place]
    length = _longest(message)
    tokens = text_tokens("x" * length)
    if tokens <= LEAST_TOKENS:
        return None
    kept_tokens = max(LEAST_TOKENS, tokens - excess_tokens - MESSAGE_TOKENS)
    kept = min(length, length * kept_tokens // tokens)
    if len(message.content) == length:
        message = message._replace(content=_without_middle(message.content, kept))
    else:
        calls = list(message.tool_calls)
        index = max(range(len(calls)), key=lambda index: len(calls[index].arguments))
        calls[index] = replace(calls[index], arguments=_shorter_arguments(calls[index], kept))
        message = message._replace(tool_calls=tuple(calls))
    return (*messages[:place], message, *messages[place + 1 :])


def _longest(message: Message) -> int:
    """Return the characters of the longest text that may be cut."""
    return max(len(message.content), *(len(call.arguments) for call in message.tool_calls), 0)


def _without_middle(text: str, kept: int) -> str:
    return text[: kept - kept // 2] + ELLIPSIS + text[len(text) - kept // 2 :]


def _shorter_arguments(call: ToolCall, kept: int) -> str:
    """Return arguments of about `kept` characters: the longest texts within lose their middles.

    Where it is not texts that make them long, what was written stands cut as one text, in the form that
    arguments have which are no object.
    """
    arguments = arguments_object(call)
    places = _places_of_texts(arguments)
    lengths = [len(_written(holder[key])) for holder, key in places]
    try:
        longest = _level(lengths, kept - len(_written(arguments)) + sum(lengths))
    except orjson.JSONEncodeError:  # it is nested too deep to be written again
        longest = 0
    if longest < LEAST_CHARACTERS:
        return _written({"arguments": _without_middle(call.arguments, kept)})
    for (holder, key), length in zip(places, lengths, strict=True):
        if length > longest:
            text = holder[key]
            holder[key] = _without_middle(text, len(text) * longest // length - len(ELLIPSIS))
    return _written(arguments)


def _written(value: Any) -> str:
    return exact_json.dumps(value).decode()


def _places_of_texts(value: Any) -> list[tuple[Any, Any]]:
    """Return where the texts within a JSON value stand. Not recursive, as its depth is the caller's."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        for key, member in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(member, str):
                found.append((holder, key))
            elif isinstance(member, dict | list):
                waiting.append(member)
    return found


def _level(lengths: Sequence[int], total: int) -> int:
    """Return the length to which all may be cut, so that together they have no more than `total`."""
    for index, length in enumerate(sorted(lengths)):
        share = total // (len(lengths) - index)
        if length > share:
            return share
        total -= length
    return max(lengths, default=0)
