"""Tools for models that have none: offered, called and answered in the words of the prompt."""

from collections.abc import Callable, Generator
from dataclasses import replace

from gateway.pipeline.answer import Complete, with_instruction
from gateway.pipeline.call_scanner import CallScanner
from gateway.pipeline.call_text import explanation, minted, written_call, written_result
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    FinishReason,
    Message,
    NamedTool,
    ToolCallDelta,
)
from gateway.providers.errors import UnsupportedInput
from gateway.providers.profile import ModelProfile


def with_tool_emulation(
    complete: Complete, profile: ModelProfile, *, mint_id: Callable[[], str]
) -> Complete:
    """Give a model tools it lacks, and read the calls that stand in its text.

    Native calls leak into the text too, so that the text of every model that was offered tools is
    read. Words stream through as soon as they are sure to be words. A call that cannot be read comes
    with its text for arguments, for the check behind this layer to judge. `mint_id` makes ids of calls.
    """

    def emulated(request: ChatRequest) -> Generator[ChatChunk, None, None]:
        told = retold(request) if profile.tools == "emulated" else request
        if not request.tools or request.tool_choice == "none":
            yield from complete(told)
            return
        scanner = CallScanner([tool.name for tool in request.tools])
        native_calls = 0
        chunks = complete(told)
        try:
            for chunk in chunks:
                native_calls += len(chunk.tool_calls)
                words = scanner.feed(chunk.text)
                if chunk.finish_reason is None:
                    yield replace(chunk, text=words)
                    continue
                is_cut = chunk.finish_reason in ("length", "content_filter")
                words += scanner.finish(is_cut=is_cut)
                if native_calls or chunk.finish_reason == "content_filter":
                    # A model that calls natively has not leaked what else looks like a call.
                    yield replace(chunk, text=words)
                    continue
                calls = tuple(
                    ToolCallDelta(index, call.id, call.name, call.arguments)
                    for index, call in enumerate(minted(scanner.calls, mint_id))
                )
                finish: FinishReason = chunk.finish_reason
                if calls and finish == "stop":
                    finish = "tool_calls"
                yield replace(chunk, text=words, tool_calls=calls, finish_reason=finish)
        finally:
            chunks.close()

    return emulated


def retold(request: ChatRequest) -> ChatRequest:
    """Say in words what `request` says of tools: the offer, and the calls and results so far.

    Raises UnsupportedInput for a result that answers no call.
    """
    told = replace(
        request,
        messages=_retold_messages(request.messages),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
    )
    choice = request.tool_choice
    if not request.tools or choice == "none":
        return told
    tools = request.tools
    if isinstance(choice, NamedTool):
        tools = tuple(tool for tool in tools if tool.name == choice.name)
    allows_several = request.parallel_tool_calls is not False
    return with_instruction(told, explanation(tools, choice, allows_several=allows_several))


def _retold_messages(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Write calls into the assistant's words; the results of one turn become one user message."""
    told: list[Message] = []
    results: list[str] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        if message.role == "tool":
            name = names.get(message.tool_call_id or "", message.name)
            if name is None:
                raise UnsupportedInput(
                    "This tool result answers no tool call before it.",
                    param=f"messages[{index}].tool_call_id",
                )
            results.append(written_result(name, message.content))
            continue
        if results:
            told.append(Message("user", "\n\n".join(results)))
            results = []
        names |= {call.id: call.name for call in message.tool_calls}
        written = [written_call(call) for call in message.tool_calls]
        content = "\n".join(filter(None, [message.content, *written]))
        told.append(replace(message, content=content, tool_calls=()))
    if results:
        told.append(Message("user", "\n\n".join(results)))
    return tuple(told)
