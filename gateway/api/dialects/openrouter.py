"""OpenRouter's dialect, which `/api/v1` speaks: OpenAI's, with its own errors and ends of streams.

Source: https://openrouter.ai/docs/api-reference/overview,
https://openrouter.ai/docs/api-reference/errors, and the models of its SDK for Python
(`components/chatstreamchunk.py`, `components/apierrortype.py` of OpenRouterTeam/python-sdk).
"""

from collections.abc import Iterator

import orjson

from gateway.api.body import JSONObject
from gateway.api.dialects.openai_chat import ChatWriter, OpenAIChat, error_type, identity, usage
from gateway.api.dialects.openai_completions import OpenAICompletions, TextWriter
from gateway.api.dialects.openai_responses import OpenAIResponses
from gateway.api.errors import Failure
from gateway.api.schema.chat_request import wants_usage_chunk
from gateway.api.sse import frame
from gateway.pipeline.execution.stream import CompletionStream

STATUS_TYPES = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    503: "provider_unavailable",
    504: "timeout",
}
CODE_TYPES = {
    "content_filter": "content_policy_violation",
    "context_length_exceeded": "context_length_exceeded",
    "overloaded": "server",
    "provider_busy": "provider_overloaded",
    "service_unavailable": "server",
}
"""Code → OpenRouter's `error_type`, where the status alone would say too little."""


class OpenRouterWriter(ChatWriter):
    """Writes a failure within a stream as a whole chunk, with what was used until then."""

    __slots__ = ("_stream",)

    _stream: CompletionStream

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        self._stream = stream
        return super().events(stream)

    def failure_event(self, failure: Failure) -> bytes:
        stream = self._stream
        chunk: JSONObject = {
            **identity(stream, self.chunk_object),
            "choices": [self.choice({"content": ""}, "error")],
            **error_body(failure),
        }
        if stream.settled is not None:
            chunk["usage"] = usage(stream.settled)
        return frame(orjson.dumps(chunk))


class OpenRouterTextWriter(OpenRouterWriter, TextWriter):
    """The same for `text_completion`."""

    __slots__ = ()


class OpenRouterChat(OpenAIChat):
    """The dialect of `/api/v1`."""

    writer: type[ChatWriter] = OpenRouterWriter

    def has_usage_chunk(self, body: JSONObject) -> bool:
        wants_usage_chunk(body)  # a wrong field is refused as it is under /v1
        return True

    def error(self, failure: Failure) -> JSONObject:
        return error_body(failure)


class OpenRouterCompletions(OpenRouterChat, OpenAICompletions):
    """The dialect of `/api/v1/completions`."""

    writer: type[ChatWriter] = OpenRouterTextWriter


class OpenRouterResponses(OpenRouterChat, OpenAIResponses):
    """The dialect of `/api/v1/responses`: the events and answers are OpenAI's."""


OPENROUTER_CHAT = OpenRouterChat()
OPENROUTER_COMPLETIONS = OpenRouterCompletions()
OPENROUTER_RESPONSES = OpenRouterResponses()


def error_body(failure: Failure) -> JSONObject:
    """Return the error with its status as `code`; our own code stands in `metadata`."""
    status_type = STATUS_TYPES.get(
        failure.status, "server" if failure.status >= 500 else "invalid_request"
    )
    return {
        "error": {
            "code": failure.status,
            "message": failure.message,
            "type": error_type(failure.status),
            "param": failure.param,
            "metadata": {
                **failure.metadata,
                "code": failure.code,
                "error_type": CODE_TYPES.get(failure.code, status_type),
            },
        }
    }
