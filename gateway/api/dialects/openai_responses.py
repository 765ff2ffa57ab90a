"""OpenAI's Responses API: `response`, and its events. Nothing is kept: each request has the whole dialogue.

Source: https://platform.openai.com/docs/api-reference/responses, …/responses-streaming;
openai/openai-python 3.54, types.
"""

import time
from collections.abc import Iterator
from typing import Any, Literal

import orjson

from gateway.api.body import JSONObject
from gateway.api.dialects.base import AnswerWriter
from gateway.api.dialects.openai_chat import OpenAIChat, error_type
from gateway.api.dialects.openai_responses_items import Event, OutputItems
from gateway.api.errors import Failure
from gateway.api.json_response import credits_number
from gateway.api.schema.responses_request import ResponsesRequest, read_responses_request
from gateway.api.sse import COMMENT, frame
from gateway.pipeline.execution.stream import (
    Completion,
    CompletionOutcome,
    CompletionStream,
    SettledUsage,
)
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import ChatChunk, FinishReason, ToolCallDelta
from gateway.providers.tick import Tick
from infra import exact_json

ResponseStatus = Literal["in_progress", "completed", "incomplete", "failed"]

INCOMPLETE_REASONS: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}

ERROR_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}
"""Status → OpenAI's code of a response that failed, where it has one."""


class ResponseWriter:
    """Writes one answer. `shared` are the fields that repeat the request, `custom_tools` names of tools."""

    def __init__(self, shared: JSONObject, custom_tools: frozenset[str]) -> None:
        self._shared = shared
        self._custom_tools = custom_tools
        self._begun: tuple[CompletionStream, OutputItems] | None = None
        self._sequence_number = 0

    def answer(self, completion: Completion, stream: CompletionStream) -> JSONObject:
        """Return the whole answer: the one that its events would make."""
        items = self._new_items(stream)
        calls = tuple(
            ToolCallDelta(index, call.id, call.name, call.arguments)
            for index, call in enumerate(completion.tool_calls)
        )
        chunk = ChatChunk(
            text=completion.text,
            refusal=completion.refusal,
            reasoning=completion.reasoning,
            tool_calls=calls,
        )
        for _ in items.take(chunk):
            pass
        for _ in items.end(_status(stream.outcome)):
            pass
        return self._ended(stream, items)

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        items: OutputItems | None = None
        for chunk in stream:
            if isinstance(chunk, Tick):
                yield COMMENT
                continue
            if items is None:
                items = self._new_items(stream)
                yield from self._begin(stream, items)
            yield from self._frames(items.take(chunk))
        if items is None:
            items = self._new_items(stream)
            yield from self._begin(stream, items)
        status = _status(stream.outcome)
        yield from self._frames(items.end(status))
        yield self._frame(f"response.{status}", {"response": self._ended(stream, items)})

    def failure_event(self, failure: Failure) -> bytes:
        """Return `response.failed`, or `error` where nothing was said of the response yet.

        `error` has its fields twice: OpenAI's types have them at the top, its server within `error`, for
        which its clients raise.
        """
        if self._begun is None:
            error = {"code": failure.code, "message": failure.message, "param": failure.param}
            nested = {"type": error_type(failure.status), **error}
            return self._frame("error", {**error, "error": nested})
        stream, items = self._begun
        failed = self._response(
            stream,
            "failed",
            output=items.output,
            usage=None if stream.settled is None else usage(stream.settled),
            error=response_error(failure),
        )
        return self._frame("response.failed", {"response": failed})

    def _new_items(self, stream: CompletionStream) -> OutputItems:
        identity = stream.id.removeprefix("gen-")
        return OutputItems(identity, self._custom_tools, stream.candidate.route.provider)

    def _begin(self, stream: CompletionStream, items: OutputItems) -> Iterator[bytes]:
        """Yield the first events; from now on it is known who answers."""
        self._begun = stream, items
        begun = {"response": self._response(stream, "in_progress", output=[])}
        yield self._frame("response.created", begun)
        yield self._frame("response.in_progress", begun)

    def _ended(self, stream: CompletionStream, items: OutputItems) -> JSONObject:
        outcome = stream.outcome
        status = _status(outcome)
        reason = INCOMPLETE_REASONS.get(outcome.finish_reason)
        return self._response(
            stream,
            status,
            output=items.output,
            usage=usage(outcome),
            completed_at=int(time.time()) if status == "completed" else None,
            incomplete_details=None if reason is None else {"reason": reason},
        )

    def _response(
        self,
        stream: CompletionStream,
        status: ResponseStatus,
        *,
        output: list[JSONObject],
        usage: JSONObject | None = None,
        completed_at: int | None = None,
        error: JSONObject | None = None,
        incomplete_details: JSONObject | None = None,
    ) -> JSONObject:
        return {
            "id": stream.id.replace("gen-", "resp_", 1),
            "object": "response",
            "created_at": stream.created_s,
            "completed_at": completed_at,
            "status": status,
            "error": error,
            "incomplete_details": incomplete_details,
            "model": stream.candidate.model.id,
            "provider": stream.candidate.route.provider,
            "output": output,
            "usage": usage,
            **self._shared,
        }

    def _frames(self, events: Iterator[Event]) -> Iterator[bytes]:
        return (self._frame(name, fields) for name, fields in events)

    def _frame(self, name: str, fields: JSONObject) -> bytes:
        event = {"type": name, "sequence_number": self._sequence_number, **fields}
        self._sequence_number += 1
        return frame(orjson.dumps(event), event=name.encode())


class OpenAIResponses(OpenAIChat):
    """The dialect of `/v1/responses`: its errors are those of a chat."""

    def read(self, body: JSONObject, *, is_strict: bool) -> tuple[CompletionRequest, AnswerWriter]:
        read = read_responses_request(body, is_strict=is_strict)
        return read.order, ResponseWriter(repeated(body, read.asked), read.custom_tools)


OPENAI_RESPONSES = OpenAIResponses()


def repeated(body: JSONObject, asked: ResponsesRequest) -> JSONObject:
    """Return the fields of a response that repeat the request; SDKs demand all of them."""
    text: dict[str, Any] = body.get("text") or {}
    reasoning = asked.reasoning
    return {
        "background": False,
        "frequency_penalty": asked.frequency_penalty,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "max_tool_calls": None,
        "metadata": asked.metadata or {},
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "presence_penalty": asked.presence_penalty,
        "previous_response_id": None,
        "prompt_cache_key": asked.prompt_cache_key,
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "safety_identifier": asked.safety_identifier,
        "service_tier": None,
        "store": False,
        "temperature": asked.temperature,
        "text": _as_sent({**text, "format": text.get("format") or {"type": "text"}}),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": _as_sent(body.get("tools") or []),
        "top_logprobs": 0,
        "top_p": asked.top_p,
        "truncation": asked.truncation or "disabled",
        "user": asked.user,
    }


def _as_sent(value: Any) -> orjson.Fragment:
    """Return JSON with the long numbers that schemas may have."""
    return orjson.Fragment(exact_json.dumps(value))


def usage(outcome: CompletionOutcome | SettledUsage) -> JSONObject:
    """Return the `usage` of a response, with `cost` in credits."""
    tokens = outcome.usage
    return {
        "input_tokens": tokens.prompt_tokens,
        "input_tokens_details": {"cached_tokens": tokens.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": tokens.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
        "cost": credits_number(outcome.cost_nano),
    }


def response_error(failure: Failure) -> JSONObject:
    """Return the `error` of a response that failed, by OpenAI's codes; our own stands in `metadata`."""
    code = "server_error" if failure.status >= 500 else ERROR_CODES.get(failure.status)
    return {
        "code": code or failure.code,
        "message": failure.message,
        "type": error_type(failure.status),
        "param": failure.param,
        "metadata": {**failure.metadata, "code": failure.code},
    }


def _status(outcome: CompletionOutcome) -> Literal["completed", "incomplete"]:
    return "incomplete" if outcome.finish_reason in INCOMPLETE_REASONS else "completed"
