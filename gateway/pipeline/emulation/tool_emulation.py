"""Tools for models without native ones: offered, called and answered as text in the prompt."""

import contextlib
import json
from collections.abc import Callable, Generator, Sequence
from typing import Any

from gateway.pipeline.emulation.answer import Complete, with_instruction
from gateway.pipeline.emulation.call_scanner import CLOSING, OPENING, CallScanner
from gateway.providers._shared.history import arguments_object, carried, result_in_words
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    FinishReason,
    Message,
    NamedTool,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
)
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick

_EXAMPLE = f'{OPENING}{{"name": "TOOL_NAME", "arguments": {{"ARGUMENT": "VALUE"}}}}{CLOSING}'


def with_tool_emulation(
    complete: Complete, profile: ModelProfile, *, mint_id: Callable[[], str]
) -> Complete:
    """Offer tools as text to a model without native ones, and read the calls in any model's text.

    Native calls leak into the text too, so the text is read of every model that was offered tools. Words
    stream through as soon as they are known to be words. A malformed call is passed on with what text its
    arguments have, for the check outside this wrapper to judge. `mint_id` makes ids of calls.
    """

    def emulated(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        chunks = complete(render_tools_as_text(request) if profile.tools == "emulated" else request)
        if not request.tools or request.tool_choice == "none":
            return chunks
        return _scanned(chunks, CallScanner([tool.name for tool in request.tools]), mint_id)

    return emulated


def _scanned(
    chunks: Generator[Tick | ChatChunk, None, None],
    scanner: CallScanner,
    mint_id: Callable[[], str],
) -> Generator[Tick | ChatChunk, None, None]:
    """Turn the calls in an answer's text into tool calls, which come with its last chunk."""
    native_calls = 0
    with contextlib.closing(chunks):
        for chunk in chunks:
            if isinstance(chunk, Tick):
                yield chunk
                continue
            native_calls += len(chunk.tool_calls)
            words = scanner.feed(chunk.text)
            if chunk.finish_reason is None:
                yield chunk if words == chunk.text else chunk._replace(text=words)
                continue
            is_cut = chunk.finish_reason in ("length", "content_filter")
            words += scanner.finish(is_cut=is_cut)
            if native_calls or chunk.finish_reason == "content_filter":
                # A model that calls natively has not leaked what else looks like a call.
                yield chunk._replace(text=words)
                continue
            calls = tuple(
                ToolCallDelta(index, mint_id(), call.name, call.arguments)
                for index, call in enumerate(scanner.calls)
            )
            finish: FinishReason = chunk.finish_reason
            if calls and finish == "stop":
                finish = "tool_calls"
            yield chunk._replace(text=words, tool_calls=calls, finish_reason=finish)


def render_tools_as_text(request: ChatRequest) -> ChatRequest:
    """Return `request` with its tools, and the calls and results so far, as text."""
    if not _mentions_tools(request):
        return request
    prompt = request._replace(
        messages=_messages_as_text(request.messages),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
    )
    choice = request.tool_choice
    if not request.tools or choice == "none":
        return prompt
    tools = request.tools
    if isinstance(choice, NamedTool):
        tools = tuple(tool for tool in tools if tool.name == choice.name)
    allows_several = request.parallel_tool_calls is not False
    return with_instruction(prompt, _explanation(tools, choice, allows_several=allows_several))


def _mentions_tools(request: ChatRequest) -> bool:
    return (
        bool(request.tools)
        or request.tool_choice is not None
        or request.parallel_tool_calls is not None
        or any(message.tool_calls or message.role == "tool" for message in request.messages)
    )


def _messages_as_text(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with calls as the assistant's text, and one turn's results as a user message."""
    retold: list[Message] = []
    results: list[str] = []
    for _, message in carried(messages):
        if message.role == "tool":
            results.append(result_in_words(message.name or "", message.content))
            continue
        if results:
            retold.append(Message("user", "\n\n".join(results)))
            results = []
        if message.tool_calls:
            written = [_written_call(call) for call in message.tool_calls]
            content = "\n".join(filter(None, [message.content, *written]))
            message = message._replace(content=content, tool_calls=())
        retold.append(message)
    if results:
        retold.append(Message("user", "\n\n".join(results)))
    return tuple(retold)


def _explanation(tools: Sequence[Tool], choice: ToolChoice | None, *, allows_several: bool) -> str:
    """Return the system message that offers `tools`."""
    listed = ",\n".join(json.dumps(_listed(tool), ensure_ascii=False) for tool in tools)
    match choice:
        case NamedTool(name):
            duty = f"You must call the tool {name} in this reply, and say nothing else."
        case "required":
            duty = "You must call a tool in this reply, and say nothing else."
        case _:
            duty = (
                "Call a tool where that helps with the request. "
                "Otherwise answer in plain words, as if there were no tools."
            )
    number = (
        "A reply may have several such calls, each on a line of its own."
        if allows_several
        else "A reply may have one such call at most."
    )
    return (
        f"You have tools. Each has a JSON Schema for its arguments.\n[{listed}]\n\n"
        "A call is written in exactly this form, with the name of a tool from the list and a JSON "
        f"object that fits its schema.\n{_EXAMPLE}\n{number} The results come in the next message; "
        f"do not make them up.\n{duty}"
    )


def _written_call(call: ToolCall) -> str:
    """Return a call of an earlier turn in the form that the model is asked to use."""
    name = json.dumps(call.name, ensure_ascii=False)
    arguments = json.dumps(arguments_object(call), ensure_ascii=False)
    return f'{OPENING}{{"name": {name}, "arguments": {arguments}}}{CLOSING}'


def _listed(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
    }
