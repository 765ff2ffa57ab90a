"""A canned OpenAI-compatible server: its answers as a test writes them down, and requests to ask for them."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import orjson

from gateway.providers._shared.http_client import Deadline
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.base import CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, JSONObject, Message
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.openai_compatible.chunks import OpenAIChunkReader
from gateway.providers.tick import Tick
from tests.providers.asking import chunks_in
from tests.providers.canned import (
    Answer,
    CannedRequest,
    CannedServer,
    Step,
    chunk,
    reply,
    stream_head,
)

NAME = "my-vllm"
KEY = "sk-0123456789abcdefghijklmn"
HANG_S = 60.0
USAGE = {"prompt_tokens": 17, "completion_tokens": 4, "total_tokens": 21}


class OpenAIUpstream:
    """Answers with `answers` in order."""

    def __init__(self) -> None:
        self.answers: deque[Iterable[Step] | Answer] = deque()
        self.server = CannedServer(self)

    def __call__(self, request: CannedRequest) -> Iterable[Step]:
        answer = self.answers.popleft()
        return answer(request) if callable(answer) else answer

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def requests(self) -> list[CannedRequest]:
        return self.server.requests

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(request.body) for request in self.requests]


def said(text: str = "Привет", **fields: Any) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),), **fields)


def run(
    provider: OpenAICompatible,
    request: ChatRequest,
    cancel_token: CancelToken | None = None,
    model: str = "qwen3-8b",
) -> list[ChatChunk]:
    """Ask and gather what is no tick."""
    steps = provider.stream(
        request, upstream_id=model, cancel_token=cancel_token or Deadline(HANG_S)
    )
    return chunks_in(steps)


def text_of(steps: Iterable[Tick | ChatChunk]) -> str:
    return "".join(chunk.text for chunk in chunks_in(steps))


def calls_of(chunks: Iterable[ChatChunk]) -> list[tuple[str, str, str]]:
    """Put the pieces of calls together: id, name and arguments by index."""
    calls: dict[int, tuple[str, str, str]] = {}
    for delta in (delta for item in chunks for delta in item.tool_calls):
        identity, name, arguments = calls.get(delta.index, (delta.id or "", delta.name or "", ""))
        calls[delta.index] = (identity, name, arguments + delta.arguments)
    assert sorted(calls) == list(range(len(calls)))
    return [calls[index] for index in sorted(calls)]


def whole(text: str | None = "Восемь.", finish: str | None = "stop", **message: Any) -> JSONObject:
    """Make a whole answer."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795300000,
        "model": "qwen3-8b",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
        "usage": USAGE,
    }


def event(delta: JSONObject | None, finish: str | None = None, **fields: Any) -> JSONObject:
    """Make an event of a stream."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1795300000,
        "model": "qwen3-8b",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **fields,
    }


def called(*pieces: JSONObject) -> JSONObject:
    """Make an event with pieces of tool calls."""
    return event({"tool_calls": list(pieces)})


def piece(arguments: Any = None, **fields: Any) -> JSONObject:
    """Make a piece of a call; `name` goes into its function."""
    function = {"name": fields.pop("name", None), "arguments": arguments}
    given = {name: value for name, value in function.items() if value is not None}
    return {**fields, "function": given}


def line(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value)


def written(*events: Any, done: bool = True) -> bytes:
    """Write a stream as it is on the wire."""
    lines = [*map(line, events), *([b"data: [DONE]"] if done else [])]
    return b"".join(item + b"\n\n" for item in lines)


def streamed(*events: Any, done: bool = True) -> list[Step]:
    """Answer with a stream, an event to a chunk."""
    pieces = [written(item, done=False) for item in events]
    if done:
        pieces.append(b"data: [DONE]\n\n")
    return [stream_head(), *map(chunk, pieces), chunk(b"")]


def answered(value: Any, status: int = 200, **headers: str) -> list[Step]:
    """Answer with JSON."""
    return [reply(orjson.dumps(value), status=status, **headers)]


def reader(*tools: str) -> OpenAIChunkReader:
    """Make a reader whose own ids are `own-0`, `own-1` and so on."""
    numbers = iter(range(1000))
    return OpenAIChunkReader(
        provider=NAME,
        names=ToolNames(tools),
        mint_id=lambda: f"own-{next(numbers)}",
        redact=lambda text: text.replace(KEY, "***"),
    )


def read(data: bytes, *tools: str) -> list[ChatChunk]:
    """Read the bytes of a stream as the adapter does."""
    reading = reader(*tools)
    chunks = []
    for item in data.split(b"\n"):
        chunks.append(reading.line(item.removesuffix(b"\r")))
        if reading.done:
            break
    chunks.append(reading.end())
    return [item for item in chunks if item is not None]


EIGHT = (
    event({"role": "assistant", "content": ""}),
    event({"content": "Во"}),
    event({"content": "семь."}),
    event({}, "stop"),
    {**event(None), "choices": [], "usage": USAGE},
)
