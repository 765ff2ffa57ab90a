"""Moderate the texts of a request, before any money is held or a provider is asked."""

import re
from collections.abc import Iterator, Sequence

from accounts.security import watch
from gateway.moderation import events, live
from gateway.moderation.search import Broken
from gateway.pipeline.admission.caller_context import CallerContext
from gateway.pipeline.errors import ModerationRefused
from gateway.providers.chat_types import ChatRequest

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_MOST_UNESCAPED = 3
"""How often a text may be JSON within JSON."""


def screen(request: ChatRequest, caller: CallerContext) -> None:
    """Moderate all but what a model said, and record what is found. Raises ModerationRefused."""
    screen_texts(_texts(request), caller, are_apart=request.is_batch)


def screen_texts(texts: Sequence[str], caller: CallerContext, *, are_apart: bool = True) -> None:
    """Moderate texts, and record what is found. Raises ModerationRefused."""
    broken = _broken(texts, caller, are_apart=are_apart)
    if broken:
        events.record(broken, caller.principal)
        try:
            _refuse(broken)
        except ModerationRefused:
            watch.moderated(caller.principal.account_id)
            raise


def judge(request: ChatRequest, caller: CallerContext) -> None:
    """Moderate as `screen` does, and record nothing. Raises ModerationRefused."""
    _refuse(_broken(_texts(request), caller, are_apart=request.is_batch))


def _broken(texts: Sequence[str], caller: CallerContext, *, are_apart: bool) -> list[Broken]:
    found = live.current().find(texts, are_apart=are_apart)
    return [each for each in found if each.rule.applies(is_free=caller.tier.is_free)]


def _refuse(broken: Sequence[Broken]) -> None:
    refusals = [each for each in broken if each.rule.action == "block"]
    if refusals:
        reasons = dict.fromkeys(each.rule.category for each in refusals)
        raise ModerationRefused(list(reasons), refusals[0].excerpt)


def _texts(request: ChatRequest) -> list[str]:
    return list(_each_text(request))


def _each_text(request: ChatRequest) -> Iterator[str]:
    for message in request.messages:
        if message.role != "assistant" and message.content:
            yield message.content if "\\u" not in message.content else _unescaped(message.content)
        for call in message.tool_calls:
            yield _unescaped(call.arguments)


def _unescaped(text: str) -> str:
    """Return JSON with its escapes resolved; it need not be whole."""
    for _ in range(_MOST_UNESCAPED):
        if "\\" not in text:
            return text
        # JSON writes a letter beyond U+FFFF as two escapes.
        halves = _ESCAPE.sub(_character, text).encode("utf-16-le", "surrogatepass")
        text = halves.decode("utf-16-le", "replace")
    return text


def _character(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    if code:
        return chr(int(code, 16))
    return " " if letter in "nrtbf" else letter
