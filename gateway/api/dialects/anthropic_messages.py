"""Anthropic's Messages API: `message`, its events, its errors, its list of models.

Source: https://docs.anthropic.com/en/api/messages, …/messages-streaming, …/errors;
anthropics/anthropic-sdk-python 2.14, types.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.api.body import JSONObject
from gateway.api.dialects.base import AnswerWriter
from gateway.api.errors import BadRequest, Failure
from gateway.api.json_response import credits_number
from gateway.api.schema.anthropic_request import (
    read_count_request,
    read_messages_request,
    shows_thinking,
)
from gateway.api.sse import COMMENT, frame
from gateway.pipeline.execution.stream import Completion, CompletionOutcome, CompletionStream
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import ChatChunk, FinishReason, ToolCallDelta
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.tick import TICK_S, Tick
from infra.request_id import request_id

STOP_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
LIFECYCLES = {"legacy": "deprecated", "ended": "retired"}
ERROR_CODES = {"thread": "thread_unsupported_request"}
"""Field → Anthropic's code of its refusal, by which SDKs send the whole dialogue instead."""

MOST_MODELS = 1000
PING = frame(b'{"type":"ping"}', event=b"ping")


@dataclass(frozen=True, slots=True)
class MessageWriter:
    """Writes one answer. `has_thinking`: the caller asked to see what the model thought."""

    has_thinking: bool = False

    def answer(self, completion: Completion, stream: CompletionStream) -> JSONObject:
        outcome = stream.outcome
        content: list[JSONObject] = []
        if completion.reasoning and self.has_thinking:
            content.append(_thinking(completion.reasoning))
        if text := completion.text + completion.refusal:
            content.append({"type": "text", "text": text})
        content += [
            _tool_use(call.id, call.name, _read_arguments(call.arguments))
            for call in completion.tool_calls
        ]
        stop = _stop(outcome, is_refused=bool(completion.refusal))
        return _message(stream, content, stop, usage(outcome))

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        blocks: _Blocks | None = None
        is_refused = False
        pinged_s = time.monotonic()
        for chunk in stream:
            if isinstance(chunk, Tick):
                yield COMMENT if blocks is None else PING
                continue
            if blocks is None:
                blocks = _Blocks(stream.candidate.route.provider)
                yield _start(stream)
            if chunk.reasoning and not self.has_thinking:
                chunk = chunk._replace(reasoning="")
                if time.monotonic() - pinged_s >= TICK_S:
                    pinged_s = time.monotonic()
                    yield PING
            is_refused = is_refused or bool(chunk.refusal)
            yield from blocks.take(chunk)
        if blocks is None:
            blocks = _Blocks(stream.candidate.route.provider)
            yield _start(stream)
        yield from blocks.close()
        outcome = stream.outcome
        stop = _stop(outcome, is_refused=is_refused)
        yield _event("message_delta", delta=stop, usage=usage(outcome))
        yield _event("message_stop")

    def failure_event(self, failure: Failure) -> bytes:
        return frame(orjson.dumps(error_body(failure)), event=b"error")


class _Blocks:
    """The blocks of a streamed answer, one open at a time: each is opened by its first delta."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._index = -1
        self._open: str | int | None = None
        self._has_arguments = False
        self._ended_calls: set[int] = set()

    def take(self, chunk: ChatChunk) -> Iterator[bytes]:
        """Yield the events of one chunk. Raises ProviderProtocolError where two calls are mixed."""
        if chunk.reasoning:
            yield from self._enter("thinking", _thinking(""))
            yield self._delta("thinking_delta", thinking=chunk.reasoning)
        if text := chunk.text + chunk.refusal:
            yield from self._enter("text", {"type": "text", "text": ""})
            yield self._delta("text_delta", text=text)
        for call in chunk.tool_calls:
            yield from self._take_call(call)

    def close(self) -> Iterator[bytes]:
        """Close the block that is open. A call without arguments gets an empty object."""
        if self._open is None:
            return
        if isinstance(self._open, int):
            self._ended_calls.add(self._open)
            if not self._has_arguments:
                yield self._delta("input_json_delta", partial_json="{}")
        self._open = None
        yield _event("content_block_stop", index=self._index)

    def _take_call(self, call: ToolCallDelta) -> Iterator[bytes]:
        if call.index in self._ended_calls:
            raise ProviderProtocolError(
                "pieces of two tool calls are mixed", provider=self._provider
            )
        if call.index != self._open:
            yield from self._enter(call.index, _tool_use(call.id or "", call.name or "", {}))
            self._has_arguments = False
        if call.arguments:
            self._has_arguments = True
            yield self._delta("input_json_delta", partial_json=call.arguments)

    def _enter(self, block: str | int, begin: JSONObject) -> Iterator[bytes]:
        if self._open == block:
            return
        yield from self.close()
        self._open = block
        self._index += 1
        yield _event("content_block_start", index=self._index, content_block=begin)

    def _delta(self, kind: str, **fields: str) -> bytes:
        return _event("content_block_delta", index=self._index, delta={"type": kind, **fields})


class AnthropicMessages:
    """The dialect of `/v1/messages`, and of all that is asked with `anthropic-version`."""

    def credential(self, headers: Mapping[str, str]) -> str | None:
        """Return the bearer, else `x-api-key`.

        Where both are there, an `ANTHROPIC_API_KEY` of another service lies about in the environment.
        """
        key = headers.get("x-api-key")
        return headers.get("Authorization") or (None if key is None else f"Bearer {key}")

    def read(self, body: JSONObject, *, is_strict: bool) -> tuple[CompletionRequest, AnswerWriter]:
        completion_request, asked = read_messages_request(body, is_strict=is_strict)
        return completion_request, MessageWriter(shows_thinking(asked))

    def read_count(self, body: JSONObject) -> CompletionRequest:
        return read_count_request(body)

    def token_count(self, tokens: int, model: str) -> JSONObject:
        return {"input_tokens": tokens}

    def model_list(
        self, cards: Sequence[Mapping[str, Any]], query: Mapping[str, str]
    ) -> JSONObject:
        """Return a page of models, by `limit`, `after_id` and `before_id`. Raises BadRequest."""
        models = [self.model(card) for card in cards]
        names = [model["id"] for model in models]
        first, last = 0, len(models)
        if after := query.get("after_id"):
            first = _place(names, after, "after_id") + 1
        if before := query.get("before_id"):
            last = _place(names, before, "before_id")
        limit = _limit(query.get("limit"))
        if before:
            page, has_more = models[max(first, last - limit) : last], last - first > limit
        else:
            page, has_more = models[first:last][:limit], last - first > limit
        return {
            "data": page,
            "has_more": has_more,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }

    def model(self, card: Mapping[str, Any]) -> JSONObject:
        created = datetime.fromtimestamp(card["created"], UTC)
        return {
            "type": "model",
            "id": card["id"],
            "display_name": card["name"],
            "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycle": LIFECYCLES.get(card.get("status", ""), "active"),
            "max_input_tokens": card["context_length"],
            "max_tokens": card["top_provider"]["max_completion_tokens"],
        }

    def error(self, failure: Failure) -> JSONObject:
        return error_body(failure)

    def headers(self) -> Mapping[str, str]:
        return {"request-id": request_id.get()}


ANTHROPIC_MESSAGES = AnthropicMessages()


def error_type(status: int) -> str:
    """Return Anthropic's `type` of an error."""
    return ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_body(failure: Failure) -> JSONObject:
    """Return `{"type": "error", "error": {"type", "message", "details"}, "request_id"}`.

    The SDKs read `details.error_code`; what else is known stands beside it.
    """
    code = ERROR_CODES.get(failure.param or "", failure.code)
    details: JSONObject = {"error_code": code, "param": failure.param, **failure.metadata}
    return {
        "type": "error",
        "error": {
            "type": error_type(failure.status),
            "message": failure.message,
            "details": details,
        },
        "request_id": request_id.get(),
    }


def usage(outcome: CompletionOutcome) -> JSONObject:
    """Return Anthropic's `usage`, in which the cached tokens stand beside the others, and `cost` in credits."""
    tokens = outcome.usage
    return {
        "input_tokens": tokens.prompt_tokens - tokens.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached_tokens,
        "output_tokens": tokens.completion_tokens,
        "cost": credits_number(outcome.cost_nano),
    }


def _message(
    stream: CompletionStream, content: list[JSONObject], stop: JSONObject, usage: JSONObject
) -> JSONObject:
    return {
        "id": stream.id.replace("gen-", "msg_", 1),
        "type": "message",
        "role": "assistant",
        "model": stream.candidate.model.id,
        "provider": stream.candidate.route.provider,
        "content": content,
        **stop,
        "usage": usage,
    }


def _start(stream: CompletionStream) -> bytes:
    """Return the first event. Clients reckon with its usage, so that the prompt is estimated there."""
    usage = {
        "input_tokens": stream.estimated_prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }
    stop = {"stop_reason": None, "stop_sequence": None}
    return _event("message_start", message=_message(stream, [], stop, usage))


def _stop(outcome: CompletionOutcome, *, is_refused: bool) -> JSONObject:
    is_cut = outcome.finish_reason == "stop" and outcome.stop_sequence is not None
    reason = STOP_REASONS[outcome.finish_reason]
    if is_cut:
        reason = "stop_sequence"
    elif is_refused and reason == "end_turn":
        reason = "refusal"
    return {
        "stop_reason": reason,
        "stop_sequence": outcome.stop_sequence if is_cut else None,
    }


def _event(name: str, **fields: Any) -> bytes:
    return frame(orjson.dumps({"type": name, **fields}), event=name.encode())


def _tool_use(identity: str, name: str, arguments: JSONObject | orjson.Fragment) -> JSONObject:
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def _thinking(text: str) -> JSONObject:
    """Return a block of thoughts. Nobody signs them: they come back and are passed over."""
    return {"type": "thinking", "thinking": text, "signature": ""}


def _read_arguments(arguments: str) -> JSONObject | orjson.Fragment:
    """Return the arguments as an object, to the digit; text that is none, of a cut answer say, in an object."""
    arguments = arguments or "{}"
    try:
        is_object = isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return {"arguments": arguments}
    written = orjson.Fragment(arguments)
    return written if is_object else {"arguments": written}


def _place(names: list[str], name: str, param: str) -> int:
    if name not in names:
        raise BadRequest(f"{param} names no model.", code="invalid_parameter", param=param)
    return names.index(name)


def _limit(text: str | None) -> int:
    if text is None:
        return MOST_MODELS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_MODELS:
        raise BadRequest(
            f"limit must be a whole number from 1 to {MOST_MODELS}.",
            code="invalid_parameter",
            param="limit",
        )
    return int(text)
