"""The model of the sandbox: deterministic replies to whole conversations, without randomness.

It calls offered tools and fills schemas, native ones as well as those a prompt describes in words,
and misbehaves where the user's marker words ask for it.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from sandbox.core import canned_replies
from sandbox.core.conversation import Call, Conversation, Reply, ToolResult, Turn
from sandbox.core.facts import TextFacts
from sandbox.core.json_schema import fill, find_json_spans
from sandbox.core.markers import Markers, without_markers
from sandbox.core.prompted import Prompted, read_prompted
from sandbox.core.tokens import count_tokens, cut_tokens
from sandbox.core.tool_use import OfferedTools, choose_calls
from sandbox.core.unruly import spoil_call, spoil_json

_REPAIR = re.compile(
    r"error|invalid|not valid|wrong|missing|again|fix|correct|schema|ошиб|неверн|не прош|исправ|"
    r"повтори|заново|отсутству",
    re.IGNORECASE,
)
_DRAWING = re.compile(r"нарисуй|изобрази|\bdraw\b|\bpaint\b", re.IGNORECASE)
# As much of a message as the model attends to.
_LONGEST_QUESTION = 4000
# Words of one token each, so that a text of N of them has N tokens.
_SHORT_WORDS = ("вот", "лес", "и", "река", "за", "ней", "дом", "сад", "мост", "над", "ним", "небо")


class Scenario:
    """Replies to conversations; always the same reply to the same one."""

    def reply(self, conversation: Conversation, markers: Markers) -> Reply:
        """Return the next turn of the model, within the token limit."""
        reply = self._whole_reply(conversation, markers)
        if markers.disregards_limit or reply.finish == "content_filter":
            return reply
        return _within(reply, conversation.max_tokens)

    def _whole_reply(self, conversation: Conversation, markers: Markers) -> Reply:
        asked = _question(conversation.user_text)
        if "filter" in markers:
            return Reply(canned_replies.refusal(asked), finish="content_filter")
        if "empty" in markers:
            return Reply()
        if markers.long_tokens is not None:
            return Reply(long_text(markers.long_tokens))
        return _Thought(conversation, markers).reply()


@dataclass(frozen=True, slots=True)
class _Situation:
    """What the reply is to be about: a question, or the results that tools gave.

    The question is an earlier one if the last user message merely rejects its answer.
    """

    question: str
    results: tuple[ToolResult, ...] = ()


class _Thought:
    """One reply in the making."""

    def __init__(self, conversation: Conversation, markers: Markers) -> None:
        self._conversation = conversation
        self._markers = markers
        demands_natively = bool(conversation.tools or conversation.schema)
        self._prompted = (
            Prompted(OfferedTools(())) if demands_natively else read_prompted(conversation)
        )
        self._situation = _situation(conversation, self._prompted)

    def reply(self) -> Reply:
        """Return a call, an answer in JSON, or plain words: whichever is demanded."""
        if calls := self._native_calls():
            return self._called(calls)
        if calls := self._choose(self._prompted.choice):
            return Reply(self._write_calls(calls))
        if (schema := self._schema()) is not None:
            return Reply(self._json(schema))
        text = self._plain_text()
        if self._conversation.pattern is not None:
            return Reply(_matching(self._conversation.pattern, self._situation.question, text))
        if self._conversation.wants_json or self._prompted.wants_json:
            return Reply(self._spoilt({"answer": text}))
        if _DRAWING.search(self._situation.question):
            return Reply(text, builtin="text2image")
        return Reply(text)

    def _native_calls(self) -> tuple[Call, ...]:
        chat = self._conversation
        return self._choose(
            OfferedTools(
                chat.tools, chat.must_call, chat.forced_tool, chat.fixed_arguments, chat.parallel
            )
        )

    def _choose(self, choice: OfferedTools) -> tuple[Call, ...]:
        answered = bool(self._situation.results)
        return choose_calls(choice, self._situation.question, answered=answered)

    def _called(self, calls: tuple[Call, ...]) -> Reply:
        how = self._markers.unruly
        required = _required_of(self._conversation, calls[0])
        match how:
            case None:
                return Reply(calls=calls, finish="tool_calls")
            case "error":
                return Reply(calls[0].text()[:20], finish="error")
            case "wrong_name" | "missing":
                return Reply(calls=(spoil_call(calls[0], how, required),), finish="tool_calls")
            case _:
                return Reply(spoil_json(calls[0].text(), how, required))

    def _write_calls(self, calls: tuple[Call, ...]) -> str:
        how, write = self._markers.unruly, self._prompted.write
        if how is None:
            return write(calls)
        tools = {tool.name: tool for tool in self._prompted.choice.tools}
        required = list(tools[calls[0].name].parameters.get("required", ()))
        if how in ("wrong_name", "missing"):
            return write([spoil_call(calls[0], how, required)])
        return spoil_json(write(calls), how, required)

    def _schema(self) -> dict[str, Any] | None:
        if self._conversation.schema is not None:
            return self._conversation.schema
        return self._prompted.schema

    def _json(self, schema: dict[str, Any]) -> str:
        rest = _without(self._situation.question, schema)
        return self._spoilt(fill(schema, TextFacts(rest)), schema)

    def _spoilt(self, value: Any, schema: dict[str, Any] | None = None) -> str:
        written = json.dumps(value, ensure_ascii=False, indent=4)
        if self._markers.unruly is None:
            return written
        return spoil_json(written, self._markers.unruly, list((schema or {}).get("required", ())))

    def _plain_text(self) -> str:
        if self._situation.results:
            return canned_replies.quote_results(self._situation.results, self._situation.question)
        return canned_replies.answer(self._conversation, self._situation.question)


def long_text(length_tokens: int) -> str:
    """Return a text of exactly that many tokens."""
    return " ".join(_SHORT_WORDS[index % len(_SHORT_WORDS)] for index in range(length_tokens))


def _situation(conversation: Conversation, prompted: Prompted) -> _Situation:
    turns = conversation.turns
    questions = [turn for turn in turns if turn.speaker == "user" and turn.text]
    last = turns[-1]
    question = _question(conversation.user_text)
    if last.results:
        return _Situation(question, last.results)
    last_answer = _last_answer(turns)
    if last_answer is None or last.speaker != "user" or len(questions) < 2:
        return _Situation(question)
    earlier = _question(questions[-2].text)
    if (call := prompted.last_call(last_answer.text)) is not None:
        if call.name in last.text:
            return _Situation(earlier, (ToolResult(call.name, question),))
        return _Situation(question)
    in_words = prompted.choice.tools or prompted.schema or prompted.wants_json
    is_bound = in_words or conversation.schema or conversation.wants_json
    return _Situation(earlier if is_bound and _REPAIR.search(last.text) else question)


def _question(text: str) -> str:
    return without_markers(text)[:_LONGEST_QUESTION]


def _without(text: str, value: Any) -> str:
    """Return the text without the JSON of a value, whose words are no facts."""
    for start, end, found in find_json_spans(text):
        if found == value:
            return text[:start] + text[end:]
    return text


def _last_answer(turns: tuple[Turn, ...]) -> Turn | None:
    """Return the assistant's turn to which the last turn replies."""
    before = turns[-2] if len(turns) > 1 else None
    return before if before is not None and before.speaker == "assistant" else None


def _required_of(conversation: Conversation, call: Call) -> list[str]:
    tool = next(tool for tool in conversation.tools if tool.name == call.name)
    return list(tool.parameters.get("required", ()))


def _matching(pattern: str, *texts: str) -> str:
    candidates = [word for text in texts for word in (text, *TextFacts(text).words())]
    return next((candidate for candidate in candidates if re.fullmatch(pattern, candidate)), "")


def _within(reply: Reply, most_tokens: int | None) -> Reply:
    """Cut a reply at a limit; calls come whole or not at all."""
    if reply.calls:
        wanted = sum(count_tokens(call.text()) for call in reply.calls)
        fits = most_tokens is None or wanted <= most_tokens
        return reply if fits else Reply(finish="length")
    text, was_cut = cut_tokens(reply.text, most_tokens)
    return replace(reply, text=text, finish="length") if was_cut else reply
