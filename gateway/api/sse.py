"""A completion as server-sent events: frames, comments in silence, the error event, [DONE]."""

from collections.abc import Callable, Generator, Iterator

import orjson

from gateway.api import envelopes
from gateway.api.errors import failure_of
from gateway.pipeline.stream import CallerGone, CompletionStream
from gateway.providers.chat_types import TICK

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
COMMENT = b": waiting for the provider\n\n"
DONE = b"data: [DONE]\n\n"


class EventStream:
    """An iterable of frames for the WSGI server, which calls `close` however the sending ends.

    Not a generator: one that was never started would skip its `finally`.
    """

    def __init__(
        self,
        stream: CompletionStream,
        *,
        has_usage_chunk: bool,
        form: envelopes.Form,
        on_close: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._has_usage_chunk = has_usage_chunk
        self._form = form
        self._on_close = on_close
        self._frames = self._run()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """End the completion wherever it stands: what was sent is charged, once."""
        self._frames.close()
        on_close, self._on_close = self._on_close, _nothing
        on_close()

    def _run(self) -> Generator[bytes, None, None]:
        stream = self._stream
        has_role = False
        try:
            for chunk in stream:
                if chunk == TICK:
                    yield COMMENT
                    continue
                if not has_role:
                    has_role = True
                    yield self._frame({"role": "assistant", "content": ""})
                delta = envelopes.delta(chunk, self._form)
                if delta:
                    yield self._frame(delta)
        except CallerGone:
            return
        except Exception as error:
            yield b"data: " + orjson.dumps(failure_of(error).body()) + b"\n\n"
            return
        if not has_role:
            yield self._frame({"role": "assistant", "content": ""})
        yield from self._ending()

    def _ending(self) -> Generator[bytes, None, None]:
        outcome = self._stream.outcome
        finish_reason: str = outcome.finish_reason
        if finish_reason == "tool_calls" and self._form.is_deprecated_call:
            finish_reason = "function_call"
        usage = envelopes.usage(outcome)
        if self._has_usage_chunk:
            yield self._frame({}, finish_reason)
            yield self._event({"choices": [], "usage": usage})
        else:
            yield self._frame({}, finish_reason, usage)
        yield DONE

    def _frame(
        self,
        delta: envelopes.JSONObject,
        finish_reason: str | None = None,
        usage: envelopes.JSONObject | None = None,
    ) -> bytes:
        choice: envelopes.JSONObject = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        if self._form.is_text:
            choice["text"] = delta.get("content", "")
        if finish_reason is not None:
            choice["native_finish_reason"] = self._stream.outcome.native_finish_reason
        return self._event({"choices": [choice]} | ({"usage": usage} if usage else {}))

    def _event(self, fields: envelopes.JSONObject) -> bytes:
        stream = self._stream
        return (
            b"data: "
            + orjson.dumps(
                {
                    "id": stream.id,
                    "object": "text_completion" if self._form.is_text else "chat.completion.chunk",
                    "created": stream.created_s,
                    "model": stream.candidate.model.id,
                    "provider": stream.candidate.route.provider,
                    "system_fingerprint": None,
                    **fields,
                }
            )
            + b"\n\n"
        )


def _nothing() -> None:
    """Close a stream that is closed already."""
