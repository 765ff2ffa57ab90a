"""Answers of YandexGPT for the tests, made after the reference, and requests to ask for them."""

import json
from collections.abc import Iterable
from typing import Any

from gateway.providers._shared.http_client import Deadline
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.base import CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
from gateway.providers.tick import Tick
from gateway.providers.yandexgpt.adapter import YandexGPT
from gateway.providers.yandexgpt.chunks import YandexChunkReader
from tests.providers.asking import chunks_in

FOLDER = "b1gfolderoftheservice"
API_KEY = "AQVNkeyOfTheServiceAccount0000"
USAGE = {"inputTextTokens": "27", "completionTokens": "2", "totalTokens": "29"}


def result(
    text: str | None = None,
    status: str = "FINAL",
    *,
    calls: list[dict[str, Any]] | None = None,
    usage: Any = USAGE,
) -> dict[str, Any]:
    """Make one answer, or one line of a stream, as an object."""
    message: dict[str, Any] = {"role": "assistant"}
    if text is not None:
        message["text"] = text
    if calls is not None:
        message["toolCallList"] = {"toolCalls": [{"functionCall": call} for call in calls]}
    alternative = {"message": message, "status": f"ALTERNATIVE_STATUS_{status}"}
    body = {"alternatives": [alternative], "usage": usage, "modelVersion": "24.09.2025"}
    return {"result": body}


def line(*args: Any, **kwargs: Any) -> bytes:
    """Make one line of a stream, without its end."""
    return json.dumps(result(*args, **kwargs), ensure_ascii=False).encode()


def stream_of(*texts: str) -> bytes:
    """Make a whole stream: all texts but the last are partial."""
    *partials, final = texts
    lines = [line(text, "PARTIAL") for text in partials] + [line(final)]
    return b"".join(item + b"\n" for item in lines)


def asking(text: str = "Столица Татарстана?", **fields: Any) -> ChatRequest:
    """Make a request with one user message, unless `messages` are given."""
    fields.setdefault("messages", (Message("user", text),))
    return ChatRequest(**fields)


def reader(*tools: str) -> YandexChunkReader:
    """Make a reader whose calls are `call-0`, `call-1` and so on."""
    numbers = iter(range(1000))
    return YandexChunkReader(
        names=ToolNames(tools),
        mint_id=lambda: f"call-{next(numbers)}",
        redact=lambda text: text,
    )


def chunks_of(*lines: bytes) -> list[ChatChunk]:
    """Read `lines` as one completion."""
    reading = reader()
    chunks = [chunk for item in lines if (chunk := reading.line(item)) is not None]
    reading.end()
    return chunks


def answer_of(
    provider: YandexGPT, request: ChatRequest, *, cancel_token: CancelToken | None = None
) -> list[ChatChunk]:
    """Ask and gather what is no tick."""
    steps = provider.stream(
        request, upstream_id="yandexgpt/latest", cancel_token=cancel_token or Deadline(20)
    )
    return chunks_in(steps)


def text_of(steps: Iterable[Tick | ChatChunk]) -> str:
    """Join the text of all chunks."""
    return "".join(chunk.text for chunk in chunks_in(steps))
