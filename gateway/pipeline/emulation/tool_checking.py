"""Check the tool calls of an answer, native or emulated, and have wrong ones repaired once."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.pipeline.emulation.answer import (
    Complete,
    WholeAnswer,
    gather,
    most_characters,
    with_instruction,
)
from gateway.pipeline.emulation.schema_validation import fault_of
from gateway.pipeline.emulation.unusable_answer import UnusableAnswer, usage_of
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    NamedTool,
    ToolCall,
    ToolChoice,
    Usage,
)
from gateway.providers.errors import ProviderError, ProviderRejected
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick
from infra import exact_json

_MUST_CALL = "You must call one of the offered functions in this reply. Do not answer in words."
_LISTED_NAMES = 20
_QUOTED_CHARACTERS = 400


class ToolCallInvalid(UnusableAnswer):
    """The model twice made no call that can be read, or none where it had to make one."""


@dataclass(frozen=True, slots=True)
class ToolCallCheck:
    """The result of checking the calls of one answer.

    `errors` has the message to the model for each call, or one where a call is missing. `is_passable`:
    wrong, but in a way that a caller can handle. `wanted_tool` is the tool whose call is wrong, if unambiguous.
    """

    is_good: bool
    is_passable: bool
    errors: tuple[str, ...] = ()
    are_objects: tuple[bool, ...] = ()
    wanted_tool: str | None = None


class ToolCallPolicy:
    """What the calls must be like: as required, with arguments that fit the schema of the tool.

    A call of a tool that was not offered is the caller's to handle: clients have tools of their own, and
    answer a name that they do not know in their own way.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._tools = {tool.name: tool for tool in request.tools}
        choice = request.tool_choice
        self._named = choice.name if isinstance(choice, NamedTool) else None
        self._is_single = request.parallel_tool_calls is False
        self.must_call = self._named is not None or choice == "required"

    def limited(self, answer: WholeAnswer) -> WholeAnswer:
        """Return the answer with as many calls as the caller allows."""
        return replace(answer, calls=answer.calls[:1]) if self._is_single else answer

    def are_offered(self, answer: WholeAnswer) -> bool:
        return all(call.name in self._tools for call in answer.calls)

    def judge(self, answer: WholeAnswer) -> ToolCallCheck:
        """Check an answer's calls, or that it has none. One that was cut, or refuses, needs no call."""
        if answer.finish_reason == "content_filter":
            return ToolCallCheck(is_good=True, is_passable=True)
        if not answer.calls:
            is_good = not self.must_call or answer.is_cut or bool(answer.refusal)
            return ToolCallCheck(
                is_good,
                is_passable=is_good,
                errors=() if is_good else ("No tool was called.",),
                wanted_tool=self._named
                or (next(iter(self._tools)) if len(self._tools) == 1 else None),
            )
        faults = [self._fault(call) for call in answer.calls]
        if not any(faults):
            return ToolCallCheck(is_good=True, is_passable=True)
        objects = tuple(_object(call.arguments) is not None for call in answer.calls)
        return ToolCallCheck(
            is_good=False,
            is_passable=all(map(self._can_be_passed, answer.calls)),
            errors=tuple(
                f"Error: {fault}. Call the tool again, corrected."
                if fault
                else "Error: not run, for another call of this turn was wrong. Repeat it."
                for fault in faults
            ),
            are_objects=objects,
            wanted_tool=self._named
            or (answer.calls[0].name or None if len(answer.calls) == 1 else None),
        )

    def _can_be_passed(self, call: ToolCall) -> bool:
        return bool(call.name) if self._named is None else call.name == self._named

    def _fault(self, call: ToolCall) -> str | None:
        if not self._can_be_passed(call):
            instead = f"; the tool is called {self._named}" if self._named else ""
            return f"there is no tool {call.name} to call here{instead}"
        if call.name not in self._tools:
            return None
        arguments = _object(call.arguments)
        if arguments is None:
            quoted = call.arguments[:_QUOTED_CHARACTERS]
            return f"the arguments are not valid JSON of an object: {quoted}"
        fault = fault_of(arguments, self._tools[call.name].parameters)
        return f"the arguments do not fit the schema: {fault}" if fault else None


def with_tool_checking(complete: Complete, profile: ModelProfile, *, provider: str) -> Complete:
    """Hold calls back until they have been checked against the offered tools; words stream on.

    A wrong call is requested again, once, at no cost to the caller; if that does not help, or if the answer
    was cut, it is passed on as the model made it, and marked. Where a call is required words are held back
    too, until it has come. `provider` is named in the error.

    Raises ToolCallInvalid.
    """

    def checked(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        if not request.tools or request.tool_choice == "none":
            return complete(request)
        return with_checked_calls(request)

    def with_checked_calls(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        policy = ToolCallPolicy(request)
        first = yield from _listen(complete(_demanding(request, profile)), request, policy)
        if first is None:
            return
        first = policy.limited(first)
        check = policy.judge(first)
        if check.is_good:
            yield first.chunk()
            return
        if first.is_cut and check.is_passable:
            # Asked again, it would be cut again: there is no more room than before.
            yield _marked(first).chunk()
            return
        again = _asking_again(request, first, check)
        try:
            second = yield from gather(complete(_demanding(again, profile)), again)
        except ProviderError as error:
            if check.is_passable:
                yield _marked(first).chunk()
                return
            if isinstance(error, ProviderRejected):
                raise _invalid(first, provider, usage_of((request, first))) from error
            raise
        second = policy.limited(second)
        answer = _better(first, check, second, policy)
        if answer is None:
            used = usage_of((request, first), (again, second))
            raise _invalid(first, provider, used)
        yield answer.chunk()

    return checked


def _listen(
    chunks: Generator[Tick | ChatChunk, None, None], request: ChatRequest, policy: ToolCallPolicy
) -> Generator[Tick | ChatChunk, None, WholeAnswer | None]:
    """Pass words on and return what is held back: everything from the first call on, or None."""
    held: WholeAnswer | None = WholeAnswer() if policy.must_call else None
    most = most_characters(request)
    try:
        for chunk in chunks:
            if isinstance(chunk, Tick):
                if held is not None and held.finish_reason is not None:
                    break
                yield chunk
            elif held is None and not chunk.tool_calls:
                yield chunk
            else:
                held = (held or WholeAnswer()).with_chunk(chunk)
                is_filtered = chunk.finish_reason == "content_filter"
                if most is not None and len(held.text) > most and not is_filtered:
                    return replace(held, calls=(), finish_reason="length")
    finally:
        chunks.close()
    return held


def _demanding(request: ChatRequest, profile: ModelProfile) -> ChatRequest:
    """Express `required` for a model with native tools that lacks it."""
    is_unsaid = profile.tools == "native" and profile.tool_choice_required != "native"
    if request.tool_choice != "required" or not is_unsaid:
        return request
    if len(request.tools) == 1:
        return request._replace(tool_choice=NamedTool(request.tools[0].name))
    return with_instruction(request, _MUST_CALL)


def _asking_again(request: ChatRequest, answer: WholeAnswer, check: ToolCallCheck) -> ChatRequest:
    """Return the request with turns that tell the model what is wrong with its calls."""
    if answer.calls and all(call.name for call in answer.calls):
        calls = tuple(
            replace(call, arguments=call.arguments if is_object else "{}")
            for call, is_object in zip(answer.calls, check.are_objects, strict=True)
        )
        turns = [Message("assistant", answer.text, tool_calls=calls)]
        turns += [
            Message("tool", fault, tool_call_id=call.id, name=call.name)
            for call, fault in zip(calls, check.errors, strict=True)
        ]
    else:
        text = answer.text or "\n".join(call.arguments for call in answer.calls)
        names = ", ".join(tool.name for tool in request.tools[:_LISTED_NAMES])
        turns = [Message("assistant", text)] if text.strip() else []
        turns.append(
            Message(
                "user",
                "Error: this reply has no tool call that can be read. "
                f"Answer again with a call of one of the tools: {names}.",
            )
        )
    choice: ToolChoice | None = request.tool_choice
    if check.wanted_tool is not None:
        choice = NamedTool(check.wanted_tool)
    elif len(answer.calls) > 1:
        choice = "required"
    return request._replace(messages=(*request.messages, *turns), tool_choice=choice)


def _better(
    first: WholeAnswer, check: ToolCallCheck, second: WholeAnswer, policy: ToolCallPolicy
) -> WholeAnswer | None:
    """Return the answer to pass on after a repair; None if neither will do."""
    repaired = policy.judge(second)
    again = second.instead_of(first) if repaired.is_good else _marked(second.instead_of(first))
    has_calls = bool(second.calls) and repaired.is_passable
    if has_calls and policy.are_offered(second):
        return again
    if check.is_passable:
        return _marked(first)
    if has_calls:
        return again
    is_refused = second.finish_reason == "content_filter" or second.refusal
    is_words = not policy.must_call and not second.calls and second.text.strip()
    return second.instead_of(first) if is_refused or is_words else None


def _marked(answer: WholeAnswer) -> WholeAnswer:
    return replace(answer, has_invalid_calls=True)


def _invalid(answer: WholeAnswer, provider: str, used: Usage) -> ToolCallInvalid:
    fault = "its call names no tool that it may call" if answer.calls else "no tool was called"
    return ToolCallInvalid(
        f"The model was asked twice and made no valid tool call: {fault}.",
        provider=provider,
        usage=used,
    )


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        value = exact_json.loads(arguments)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
