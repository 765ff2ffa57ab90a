"""Any OpenAI-compatible server as a Provider: payload out, chunks in."""

import logging
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from gateway.providers.base import TICK_S, Lifeline
from gateway.providers.chat_types import TICK, ChatChunk, ChatRequest, Embedding
from gateway.providers.errors import ProviderError, ProviderUnavailable
from gateway.providers.http_client import Countdown, HttpClient, HttpResponse, run_out
from gateway.providers.openai_compatible.auth import ApiKey
from gateway.providers.openai_compatible.chunks import ChunkReader
from gateway.providers.openai_compatible.embeddings import (
    batches,
    embedding_payload,
    read_vectors,
)
from gateway.providers.openai_compatible.failures import refusal
from gateway.providers.openai_compatible.payload import encoded, payload, tool_names

JSON = "application/json"
EVENT_STREAM = "text/event-stream"

log = logging.getLogger(__name__)


def mint_call_id() -> str:
    """Make the id of a tool call, unique within any conversation."""
    return f"call_{secrets.token_hex(12)}"


class OpenAICompatible:
    """One server behind one address and one key. See `gateway.providers.base.Provider`."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | None,
        ca_bundle_file: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        tick_s: float = TICK_S,
        mint_id: Callable[[], str] = mint_call_id,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Take address and key; nothing is sent yet.

        `name` is the provider's slug. `base_url` is used as given: `/chat/completions` is appended,
        so it mostly ends in `/v1`. Raises ValueError on a wrong address or key, OSError without the
        CA bundle.
        """
        self.name = name
        self._key = ApiKey(api_key)
        self._http = HttpClient(
            base_url,
            provider=name,
            ca_bundle_file=ca_bundle_file,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            tick_s=tick_s,
        )
        self._tick_s = tick_s
        self._mint_id = mint_id
        self._now_s = now_s

    def stream(
        self, request: ChatRequest, *, upstream_id: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, None]:
        """Ask for a completion and yield it as it comes, or whole if it was not to be streamed.

        Raises:
            ProviderError: the upstream failed.
            UnsupportedInput: the request says what this wire has no place for.
        """
        names = tool_names(request)
        body = encoded(payload(request, upstream_id=upstream_id, names=names))
        accept = EVENT_STREAM if request.stream else JSON
        response = yield from self._open("/chat/completions", body, accept, lifeline)
        with closing(response):
            reader = ChunkReader(
                provider=self.name, names=names, mint_id=self._mint_id, scrub=self._key.scrub
            )
            if _is_streamed(response, asked=request.stream):
                yield from _streamed(reader, response, self._tick_s)
            else:
                yield reader.whole((yield from response.read()))

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float
    ) -> list[int]:
        """Raise ProviderUnavailable: this wire has no counter, and a guess of ours would be none."""
        raise self._without_counter()

    def count_chat_tokens(self, request: ChatRequest, *, upstream_id: str, timeout_s: float) -> int:
        """Raise ProviderUnavailable, as `count_tokens` does."""
        raise self._without_counter()

    def embed(self, texts: Sequence[str], *, upstream_id: str, timeout_s: float) -> Embedding:
        """Embed the texts, in as many requests as their number needs."""
        countdown = Countdown(timeout_s)
        vectors: list[tuple[float, ...]] = []
        prompt_tokens = 0
        for batch in batches(texts):
            body = encoded(embedding_payload(batch, upstream_id=upstream_id))
            answer = run_out(self._ask("/embeddings", body, countdown))
            embedding = read_vectors(answer, len(batch), provider=self.name)
            vectors += embedding.vectors
            prompt_tokens += embedding.prompt_tokens
        return Embedding(tuple(vectors), prompt_tokens)

    def close(self) -> None:
        """Drop the idle connections."""
        self._http.close()

    def _ask(self, path: str, body: bytes, lifeline: Lifeline) -> Generator[ChatChunk, None, bytes]:
        response = yield from self._open(path, body, JSON, lifeline)
        with closing(response):
            return (yield from response.read())

    def _open(
        self, path: str, body: bytes, accept: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, HttpResponse]:
        """POST and return an answer of success, which the caller closes; tick in silences."""
        headers = {"Content-Type": JSON, "Accept": accept, **self._key.headers}
        response = yield from self._http.send(
            "POST", path, headers=headers, body=body, lifeline=lifeline
        )
        request_id = response.headers.get("x-request-id")
        log.debug("%s %s: %d, X-Request-ID %s", self.name, path, response.status, request_id)
        if 200 <= response.status < 300:
            return response
        with closing(response):
            try:
                complaint = yield from response.read()
            except ProviderError:
                # The status says enough; what broke is only the explanation.
                complaint = b""
        raise refusal(
            response.status,
            complaint,
            provider=self.name,
            scrub=self._key.scrub,
            retry_after=response.headers.get("retry-after"),
            now_s=self._now_s(),
        )

    def _without_counter(self) -> ProviderUnavailable:
        return ProviderUnavailable("The provider has no token counter.", provider=self.name)


def _is_streamed(response: HttpResponse, *, asked: bool) -> bool:
    """Believe the answer before the question: servers that cannot stream answer as a whole."""
    content_type = response.headers.get("content-type", "").lower()
    if content_type.startswith(JSON):
        return False
    return asked or content_type.startswith(EVENT_STREAM)


def _streamed(
    reader: ChunkReader, response: HttpResponse, tick_s: float
) -> Generator[ChatChunk, None, None]:
    spoken_s = time.monotonic()
    for line in response.lines():
        chunk = TICK if line is None else reader.line(line)
        if chunk is None and time.monotonic() - spoken_s >= tick_s:
            # Comments, or a model that thinks: alive, and silent to the caller.
            chunk = TICK
        if chunk is not None:
            spoken_s = time.monotonic()
            yield chunk
        if reader.done:
            response.drain()
            break
    last = reader.end()
    if last is not None:
        yield last
