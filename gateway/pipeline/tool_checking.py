"""Checks the tool calls of an answer, native or emulated, and has a wrong one made again, once."""

from collections.abc import Generator
from dataclasses import replace

from gateway.pipeline.answer import (
    RAW_CHARACTERS,
    Answer,
    Complete,
    gather,
    most_characters,
    with_instruction,
)
from gateway.pipeline.call_terms import CallTerms, Verdict
from gateway.providers.chat_types import (
    TICK,
    ChatChunk,
    ChatRequest,
    Message,
    NamedTool,
    ToolChoice,
)
from gateway.providers.errors import ProviderError, ProviderProtocolError, ProviderRejected
from gateway.providers.profile import ModelProfile

_MUST_CALL = "You must call one of the offered functions in this reply. Do not answer in words."
_LISTED_NAMES = 20


class ToolCallInvalid(ProviderProtocolError):
    """The model called a tool that is not on offer, or none where it had to, twice."""

    retryable = False


def with_tool_checking(complete: Complete, profile: ModelProfile, *, provider: str) -> Complete:
    """Hold calls back until they are known to fit what was offered; words stream on.

    A call that does not fit is asked for again, once, at no cost to the caller; if that does not help
    and its arguments are an object at all, it is passed on as the model made it. Where a call is
    demanded (`required` or a named tool) words are held back too, until it has come. `provider` is
    named in the error.

    Raises ToolCallInvalid.
    """

    def checked(request: ChatRequest) -> Generator[ChatChunk, None, None]:
        if not request.tools or request.tool_choice == "none":
            yield from complete(request)
            return
        terms = CallTerms(request)
        first = yield from _listen(complete(_demanding(request, profile)), request, terms)
        if first is None:
            return
        first = terms.limited(first)
        verdict = terms.judge(first)
        if verdict.is_good:
            yield first.chunk()
            return
        again = _asking_again(request, first, verdict)
        try:
            second = yield from gather(complete(_demanding(again, profile)), again)
        except ProviderError as error:
            if verdict.is_passable:
                yield first.chunk()
                return
            if isinstance(error, ProviderRejected):
                raise _invalid(first, verdict, provider) from error
            raise
        second = terms.limited(second)
        answer = _better(first, verdict, second, terms)
        if answer is None:
            raise _invalid(first, verdict, provider)
        yield answer.chunk()

    return checked


def _listen(
    chunks: Generator[ChatChunk, None, None], request: ChatRequest, terms: CallTerms
) -> Generator[ChatChunk, None, Answer | None]:
    """Pass words on and return what is held back: all from the first call on, or None."""
    held: Answer | None = Answer() if terms.must_call else None
    most = most_characters(request)
    try:
        for chunk in chunks:
            if chunk == TICK:
                if held is not None and held.finish_reason is not None:
                    break
                yield TICK
            elif held is None and not chunk.tool_calls:
                yield chunk
            else:
                held = (held or Answer()).with_chunk(chunk)
                if most is not None and len(held.text) > most:
                    return replace(held, calls=(), finish_reason="length")
    finally:
        chunks.close()
    return held


def _demanding(request: ChatRequest, profile: ModelProfile) -> ChatRequest:
    """Say `required` to a model that calls tools by itself but knows no such word."""
    is_unsaid = profile.tools == "native" and profile.tool_choice_required != "native"
    if request.tool_choice != "required" or not is_unsaid:
        return request
    if len(request.tools) == 1:
        return replace(request, tool_choice=NamedTool(request.tools[0].name))
    return with_instruction(request, _MUST_CALL)


def _asking_again(request: ChatRequest, answer: Answer, verdict: Verdict) -> ChatRequest:
    """Tell the model, in turns of the chat, what was wrong with its calls or that one is missing."""
    if answer.calls and all(call.name for call in answer.calls):
        calls = tuple(
            replace(call, arguments=call.arguments if is_object else "{}")
            for call, is_object in zip(answer.calls, verdict.are_objects, strict=True)
        )
        turns = [Message("assistant", answer.text, tool_calls=calls)]
        turns += [
            Message("tool", told, tool_call_id=call.id, name=call.name)
            for call, told in zip(calls, verdict.told, strict=True)
        ]
    else:
        said = answer.text or "\n".join(call.arguments for call in answer.calls)
        names = ", ".join(tool.name for tool in request.tools[:_LISTED_NAMES])
        turns = [Message("assistant", said)] if said.strip() else []
        turns.append(
            Message(
                "user",
                "Error: this reply has no tool call that can be read. "
                f"Answer again with a call of one of the tools: {names}.",
            )
        )
    choice: ToolChoice | None = request.tool_choice
    if verdict.wanted_tool is not None:
        choice = NamedTool(verdict.wanted_tool)
    elif len(answer.calls) > 1:
        choice = "required"
    return replace(request, messages=(*request.messages, *turns), tool_choice=choice)


def _better(first: Answer, verdict: Verdict, second: Answer, terms: CallTerms) -> Answer | None:
    """Choose what to pass on after a repair; None if nothing can be."""
    repaired = terms.judge(second)
    if second.calls and repaired.is_passable:
        return second.instead_of(first)
    if verdict.is_passable:
        return first
    is_filtered = second.finish_reason == "content_filter"
    is_words = not terms.must_call and not second.calls and second.text.strip()
    return second.instead_of(first) if is_filtered or is_words else None


def _invalid(answer: Answer, verdict: Verdict, provider: str) -> ToolCallInvalid:
    return ToolCallInvalid(
        "The model was asked twice and made no valid tool call. " + " ".join(verdict.told),
        provider=provider,
        raw=" ".join((answer.text, *(call.name for call in answer.calls)))[:RAW_CHARACTERS],
    )
