"""Completions as OpenAI's dicts: `chat.completion`, `chat.completion.chunk`, `usage`."""

from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import credits_text
from gateway.pipeline.collect import Completion
from gateway.pipeline.stream import CompletionStream, Outcome
from gateway.providers.chat_types import ChatChunk, ToolCallDelta

JSONObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How the caller wants its answer written.

    `is_text` is the older `/v1/completions`, whose choices bear `text`; `is_deprecated_call` says that
    the caller knows `function_call` and not `tool_calls`.
    """

    is_text: bool = False
    is_deprecated_call: bool = False


def credits_number(amount_nano: int) -> orjson.Fragment:
    """Return an amount of credits as a JSON number that is printed exactly."""
    return orjson.Fragment(credits_text(amount_nano))


def usage(outcome: Outcome) -> JSONObject:
    """OpenAI's `usage` with `cost` in credits."""
    tokens = outcome.usage
    return {
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
        "cost": credits_number(outcome.cost_nano),
    }


def completion(answer: Completion, stream: CompletionStream, form: Form) -> JSONObject:
    """A whole `chat.completion`, or `text_completion`."""
    outcome = stream.outcome
    message: JSONObject = {
        "role": "assistant",
        "content": answer.text if answer.text or not answer.tool_calls else None,
        "refusal": None,
    }
    if answer.reasoning:
        message["reasoning"] = message["reasoning_content"] = answer.reasoning
    finish_reason: str = outcome.finish_reason
    if answer.tool_calls and form.is_deprecated_call:
        first = answer.tool_calls[0]
        message["function_call"] = {"name": first.name, "arguments": first.arguments}
        finish_reason = "function_call"
    elif answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.tool_calls
        ]
    return {
        "id": stream.id,
        "object": "text_completion" if form.is_text else "chat.completion",
        "created": stream.created_s,
        "model": stream.candidate.model.id,
        "provider": stream.candidate.route.provider,
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                **({"text": answer.text} if form.is_text else {}),
                "message": message,
                "logprobs": None,
                "finish_reason": finish_reason,
                "native_finish_reason": outcome.native_finish_reason,
            }
        ],
        "usage": usage(outcome),
    }


def delta(chunk: ChatChunk, form: Form) -> JSONObject:
    """The `delta` of one chunk."""
    fields: JSONObject = {}
    if chunk.text:
        fields["content"] = chunk.text
    if chunk.reasoning:
        fields["reasoning"] = fields["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls and form.is_deprecated_call:
        call = chunk.tool_calls[0]
        fields["function_call"] = _function(call)
    elif chunk.tool_calls:
        fields["tool_calls"] = [_call(call) for call in chunk.tool_calls]
    return fields


def _call(call: ToolCallDelta) -> JSONObject:
    fields: JSONObject = {"index": call.index, "function": _function(call)}
    if call.id is not None:
        fields |= {"id": call.id, "type": "function"}
    return fields


def _function(call: ToolCallDelta) -> JSONObject:
    if call.name is None:
        return {"arguments": call.arguments}
    return {"name": call.name, "arguments": call.arguments}
