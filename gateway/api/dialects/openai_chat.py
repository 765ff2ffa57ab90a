"""OpenAI's chat completions: `chat.completion`, `chat.completion.chunk`, the error envelope.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from gateway.api.body import JSONObject
from gateway.api.dialects.base import AnswerWriter
from gateway.api.errors import Failure
from gateway.api.json_response import credits_number
from gateway.api.schema.chat_request import (
    read_chat,
    read_completion_request,
    wants_usage_chunk,
)
from gateway.api.schema.custom_tools import custom_input
from gateway.api.sse import COMMENT, frame
from gateway.pipeline.execution.stream import (
    Completion,
    CompletionOutcome,
    CompletionStream,
    SettledUsage,
)
from gateway.pipeline.request import CompletionRequest
from gateway.providers.chat_types import ChatChunk, FinishReason, TokenLogprob, ToolCallDelta
from gateway.providers.tick import Tick

DONE = frame(b"[DONE]")
ERROR_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


@dataclass(slots=True)
class ChatWriter:
    """Writes one answer. `has_function_call`: the caller knows `function_call`, not `tool_calls`.

    `custom_tools` are the names of the tools whose calls have a text for their input.
    """

    has_usage_chunk: bool = False
    has_function_call: bool = False
    custom_tools: frozenset[str] = frozenset()

    answer_object: ClassVar[str] = "chat.completion"
    chunk_object: ClassVar[str] = "chat.completion.chunk"

    def answer(self, completion: Completion, stream: CompletionStream) -> JSONObject:
        outcome = stream.outcome
        others = completion.others
        first = completion if others else outcome
        choices = [self._whole_choice(completion, first.finish_reason, first.native_finish_reason)]
        for index, other in enumerate(others, start=1):
            finish, native = other.finish_reason, other.native_finish_reason
            choices.append(self._whole_choice(other, finish, native, index=index))
        return {
            **identity(stream, self.answer_object),
            "system_fingerprint": None,
            "choices": choices,
            "usage": usage(outcome),
        }

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        opening: JSONObject = {"role": "assistant", "content": ""}
        shared = b""  # rendered with the first chunk: no other candidate is asked from then on
        choice = 0
        last: JSONObject | None = None
        for chunk in stream:
            if isinstance(chunk, Tick):
                yield COMMENT
                continue
            if not shared:
                shared = self._shared(stream)
                yield _chunk(shared, {"choices": [self.choice(opening)]})
            if chunk.choice != choice:
                yield _chunk(shared, {"choices": [last]})
                choice, last = chunk.choice, None
                yield _chunk(shared, {"choices": [self.choice(opening, index=choice)]})
            delta = self._delta(chunk)
            if delta:
                spoken = self.choice(delta, index=choice)
                if chunk.logprobs:
                    spoken["logprobs"] = self.logprobs(chunk.logprobs)
                yield _chunk(shared, {"choices": [spoken]})
            if chunk.finish_reason is not None:
                last = self._end(chunk.finish_reason, chunk.native_finish_reason, index=choice)
        if not shared:
            shared = self._shared(stream)
            yield _chunk(shared, {"choices": [self.choice(opening)]})
        outcome = stream.outcome
        if choice == 0 or last is None:
            last = self._end(outcome.finish_reason, outcome.native_finish_reason, index=choice)
        yield _chunk(shared, {"choices": [last]})
        for index in range(choice + 1, stream.choices):  # the answer was cut before them
            yield _chunk(shared, {"choices": [self.choice(opening, index=index)]})
            yield _chunk(shared, {"choices": [self._end(outcome.finish_reason, None, index=index)]})
        if self.has_usage_chunk:
            yield _chunk(shared, {"choices": [], "usage": usage(outcome)})
        yield DONE

    def failure_event(self, failure: Failure) -> bytes:
        return frame(orjson.dumps(error_body(failure)))

    def choice(
        self, delta: JSONObject, finish_reason: str | None = None, *, index: int = 0
    ) -> JSONObject:
        """Return the choice of a chunk."""
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}

    def logprobs(self, tokens: Sequence[TokenLogprob]) -> JSONObject:
        """Return OpenAI's `logprobs`. The bytes of a token, which may be half a letter, are not told to us."""
        return {
            "content": [
                _logprob(token.token, token.logprob)
                | {"top_logprobs": [_logprob(*other) for other in token.top]}
                for token in tokens
            ],
            "refusal": None,
        }

    def _end(self, finish: FinishReason, native: str | None, *, index: int) -> JSONObject:
        """Return the last choice of an answer's chunks."""
        is_call = finish == "tool_calls" and self.has_function_call
        end = self.choice({}, "function_call" if is_call else finish, index=index)
        return end if native is None else end | {"native_finish_reason": native}

    def _whole_choice(
        self,
        completion: Completion,
        finish: FinishReason | None,
        native: str | None,
        *,
        index: int = 0,
    ) -> JSONObject:
        """Return the choice of a plain answer; one that never ended was cut."""
        message = self._message(completion)
        is_call = "function_call" in message
        return {
            "index": index,
            "message": message,
            "logprobs": self.logprobs(completion.logprobs) if completion.logprobs else None,
            "finish_reason": "function_call" if is_call else finish or "length",
            "native_finish_reason": native,
        }

    def _shared(self, stream: CompletionStream) -> bytes:
        """Return the beginning that all chunks have in common: an open JSON object."""
        return orjson.dumps(identity(stream, self.chunk_object))[:-1] + b","

    def _message(self, completion: Completion) -> JSONObject:
        calls = completion.tool_calls
        message: JSONObject = {
            "role": "assistant",
            "content": completion.text or (None if calls or completion.refusal else ""),
            "refusal": completion.refusal or None,
        }
        if completion.reasoning:
            message["reasoning"] = message["reasoning_content"] = completion.reasoning
        if calls and self.has_function_call:
            message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
        elif calls:
            message["tool_calls"] = [
                {"id": call.id, **self._called(call.name, call.arguments)} for call in calls
            ]
        return message

    def _delta(self, chunk: ChatChunk) -> JSONObject:
        delta: JSONObject = {}
        if chunk.text:
            delta["content"] = chunk.text
        if chunk.refusal:
            delta["refusal"] = chunk.refusal
        if chunk.reasoning:
            delta["reasoning"] = delta["reasoning_content"] = chunk.reasoning
        if chunk.tool_calls and self.has_function_call:
            delta["function_call"] = _function(chunk.tool_calls[0])
        elif chunk.tool_calls:
            delta["tool_calls"] = [self._call(call) for call in chunk.tool_calls]
        return delta

    def _call(self, call: ToolCallDelta) -> JSONObject:
        """Return a piece of a call; that of a tool which was offered comes whole, for it was checked."""
        if call.id is None or call.name is None:
            return {"index": call.index, "function": _function(call)}
        return {"index": call.index, "id": call.id, **self._called(call.name, call.arguments)}

    def _called(self, name: str, arguments: str) -> JSONObject:
        if name in self.custom_tools:
            return {"type": "custom", "custom": {"name": name, "input": custom_input(arguments)}}
        return {"type": "function", "function": {"name": name, "arguments": arguments}}


class OpenAIChat:
    """The dialect of `/v1/chat/completions`, and of every path that is not a completion."""

    writer: type[ChatWriter] = ChatWriter

    def credential(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("Authorization")

    def read(self, body: JSONObject, *, is_strict: bool) -> tuple[CompletionRequest, AnswerWriter]:
        completion_request, custom_tools = read_chat(body, is_strict=is_strict)
        is_deprecated = body.get("functions") is not None and body.get("tools") is None
        writer = self.writer(self.has_usage_chunk(body), is_deprecated, custom_tools)
        return completion_request, writer

    def has_usage_chunk(self, body: JSONObject) -> bool:
        """Say whether a stream ends with a chunk of usage alone. Raises InvalidParameter."""
        return wants_usage_chunk(body)

    def read_count(self, body: JSONObject) -> CompletionRequest:
        return read_completion_request(body, is_strict=False)

    def token_count(self, tokens: int, model: str) -> JSONObject:
        return {"data": {"tokens": tokens, "model": model}}

    def model_list(
        self, cards: Sequence[Mapping[str, Any]], query: Mapping[str, str]
    ) -> JSONObject:
        return {"object": "list", "data": cards}

    def model(self, card: Mapping[str, Any]) -> JSONObject:
        return dict(card)

    def error(self, failure: Failure) -> JSONObject:
        return error_body(failure)

    def headers(self) -> Mapping[str, str]:
        return {}


OPENAI_CHAT = OpenAIChat()


def error_type(status: int) -> str:
    """Return OpenAI's `type` of an error."""
    return ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_body(failure: Failure) -> JSONObject:
    """Return `{"error": {"message", "type", "param", "code", "metadata"}}`."""
    return {
        "error": {
            "message": failure.message,
            "type": error_type(failure.status),
            "param": failure.param,
            "code": failure.code,
            "metadata": dict(failure.metadata),
        }
    }


def usage(outcome: CompletionOutcome | SettledUsage) -> JSONObject:
    """Return OpenAI's `usage`, with `cost` in credits."""
    tokens = outcome.usage
    return {
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
        "cost": credits_number(outcome.cost_nano),
    }


def _logprob(token: str, logprob: float) -> JSONObject:
    return {"token": token, "logprob": logprob, "bytes": None}


def identity(stream: CompletionStream, object_name: str) -> JSONObject:
    """Return the fields that a whole answer and each of its chunks have in common."""
    return {
        "id": stream.id,
        "object": object_name,
        "created": stream.created_s,
        "model": stream.candidate.model.id,
        "provider": stream.candidate.route.provider,
    }


def _chunk(shared: bytes, fields: JSONObject) -> bytes:
    return frame(shared + orjson.dumps(fields)[1:])


def _function(call: ToolCallDelta) -> JSONObject:
    if call.name is None:
        return {"arguments": call.arguments}
    return {"name": call.name, "arguments": call.arguments}
