"""What the calls of an answer must be like: of offered tools, as demanded, with arguments that fit."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import orjson

from gateway.pipeline.answer import Answer
from gateway.pipeline.schema_validation import fault_of
from gateway.providers.chat_types import ChatRequest, NamedTool, ToolCall

_QUOTED_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of the calls of one answer.

    `told` has for each call what the model is to be told of it, or one sentence where a call is
    missing. `is_passable`: faulty, but of a kind that a caller can handle. `wanted_tool` is the tool
    that was meant, where there can be no doubt.
    """

    is_good: bool
    is_passable: bool
    told: tuple[str, ...] = ()
    are_objects: tuple[bool, ...] = ()
    wanted_tool: str | None = None


class CallTerms:
    """The terms of one request that offers tools."""

    def __init__(self, request: ChatRequest) -> None:
        self._tools = {tool.name: tool for tool in request.tools}
        choice = request.tool_choice
        self._named = choice.name if isinstance(choice, NamedTool) else None
        self._is_single = request.parallel_tool_calls is False
        self.must_call = self._named is not None or choice == "required"

    def limited(self, answer: Answer) -> Answer:
        """Return the answer with no more calls than the caller allows."""
        return replace(answer, calls=answer.calls[:1]) if self._is_single else answer

    def judge(self, answer: Answer) -> Verdict:
        """Judge an answer's calls, or that it has none. One that was cut owes no call."""
        if answer.finish_reason == "content_filter":
            return Verdict(is_good=True, is_passable=True)
        if not answer.calls:
            is_good = not self.must_call or answer.is_cut
            return Verdict(
                is_good,
                is_passable=is_good,
                told=() if is_good else ("No tool was called.",),
                wanted_tool=self._named,
            )
        faults = [self._fault(call) for call in answer.calls]
        if not any(faults):
            return Verdict(is_good=True, is_passable=True)
        objects = tuple(_object(call.arguments) is not None for call in answer.calls)
        return Verdict(
            is_good=False,
            is_passable=all(objects) and all(self._is_offered(call) for call in answer.calls),
            told=tuple(
                f"Error: {fault}. Call the tool again, corrected."
                if fault
                else "Error: not run, for another call of this turn was wrong. Repeat it."
                for fault in faults
            ),
            are_objects=objects,
            wanted_tool=self._named or self._meant(answer.calls),
        )

    def _is_offered(self, call: ToolCall) -> bool:
        return call.name in self._tools if self._named is None else call.name == self._named

    def _fault(self, call: ToolCall) -> str | None:
        if not self._is_offered(call):
            meant = self._named or self._near(call.name)
            instead = f"; the tool is called {meant}" if meant else ""
            return f"there is no tool {call.name} to call here{instead}"
        arguments = _object(call.arguments)
        if arguments is None:
            quoted = call.arguments[:_QUOTED_CHARACTERS]
            return f"the arguments are not valid JSON of an object: {quoted}"
        fault = fault_of(arguments, self._tools[call.name].parameters)
        return f"the arguments do not fit the schema: {fault}" if fault else None

    def _meant(self, calls: tuple[ToolCall, ...]) -> str | None:
        if len(calls) != 1:
            return None
        name = calls[0].name
        return name if name in self._tools else self._near(name)

    def _near(self, name: str) -> str | None:
        return next(iter(get_close_matches(name, self._tools, n=1)), None)


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
