"""A canned GigaChat: tokens on demand, and the answers of its API as a test writes them down."""

import itertools
import ssl
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

import orjson

from gateway.providers._shared.http_client import Deadline
from gateway.providers.chat_types import ChatChunk, ChatRequest, JSONObject, Message
from gateway.providers.gigachat.adapter import GigaChat
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

KEY = "Y2xpZW50LWlkLTAwMDE6Y2xpZW50LXNlY3JldC0wMDAy"
HANG_S = 60.0


class GigaChatUpstream:
    """Answers `/oauth` with token-1, token-2 and so on, and all else with `answers` in order."""

    def __init__(self) -> None:
        self.answers: deque[Iterable[Step] | Answer] = deque()
        self.token_answer: Answer | None = None
        self.url = ""
        self._server: CannedServer | None = None
        self._numbers = itertools.count(1)

    def __call__(self, request: CannedRequest) -> Iterable[Step]:
        if request.target == "/oauth":
            if self.token_answer is not None:
                return self.token_answer(request)
            return [self.token()]
        answer = self.answers.popleft()
        return answer(request) if callable(answer) else answer

    def token(self) -> bytes:
        token = {"access_token": f"access-token-{next(self._numbers)}", "expires_at": 4 * 10**12}
        return reply(orjson.dumps(token))

    def serve(self, tls: ssl.SSLContext | None = None) -> CannedServer:
        self._server = CannedServer(self, tls=tls)
        self.url = self._server.url
        return self._server

    @property
    def left(self) -> threading.Event:
        """Set once a peer left during a "hold"."""
        assert self._server is not None
        return self._server.left

    @property
    def token_requests(self) -> list[CannedRequest]:
        assert self._server is not None
        return [request for request in self._server.requests if request.target == "/oauth"]

    @property
    def requests(self) -> list[CannedRequest]:
        assert self._server is not None
        return [request for request in self._server.requests if request.target != "/oauth"]

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(request.body) for request in self.requests]


def said(text: str = "Привет", **fields: Any) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),), **fields)


def run(
    provider: GigaChat, request: ChatRequest, cancel_token: Any = None, model: str = "GigaChat-2"
) -> list[ChatChunk]:
    steps = provider.stream(
        request, upstream_id=model, cancel_token=cancel_token or Deadline(HANG_S)
    )
    return chunks_in(steps)


def whole(text: str = "Восемь.", finish: str = "stop", **more: Any) -> bytes:
    """Write a whole answer of the API."""
    answer: JSONObject = {
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        ],
        "created": 1795300000,
        "model": "GigaChat-2:2.0.28.2",
        "object": "chat.completion",
        "usage": {
            "prompt_tokens": 17,
            "completion_tokens": 3,
            "total_tokens": 20,
            "precached_prompt_tokens": 2,
        },
    }
    return reply(orjson.dumps(answer | more), X_Request_ID="request-7")


def event(delta: JSONObject, **choice: Any) -> bytes:
    """Write an event of a stream."""
    usage = choice.pop("usage", None)
    data: JSONObject = {
        "choices": [{"delta": delta, "index": 0, **choice}],
        "created": 1795300000,
        "model": "GigaChat-2:2.0.28.2",
        "object": "chat.completion",
    }
    if usage is not None:
        data["usage"] = usage
    return b"data: " + orjson.dumps(data) + b"\n\n"


def streamed(*events: bytes, done: bool = True) -> list[Step]:
    """Write a stream as the API sends it, an event to a chunk."""
    last = [b"data: [DONE]\n\n"] if done else []
    return [stream_head(), *(chunk(item) for item in (*events, *last)), chunk(b"")]


USAGE = {
    "prompt_tokens": 17,
    "completion_tokens": 4,
    "total_tokens": 21,
    "precached_prompt_tokens": 2,
}
EIGHT = (
    event({"content": "Во", "role": "assistant"}),
    event({"content": "семь."}),
    event({"content": ""}, finish_reason="stop", usage=USAGE),
)
