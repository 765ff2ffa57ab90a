"""GigaChat as a Provider: payload out, chunks in, files and tokens around them."""

import secrets
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict

from gateway.providers.base import TICK_S, Lifeline
from gateway.providers.chat_types import TICK, ChatChunk, ChatRequest, Embedding
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.auth import AccessTokens
from gateway.providers.gigachat.channel import EVENT_STREAM, JSON, Channel
from gateway.providers.gigachat.chunks import ChunkReader
from gateway.providers.gigachat.embeddings import batches, read_counts, read_vectors
from gateway.providers.gigachat.failures import PROVIDER
from gateway.providers.gigachat.files import FileStore, refuse_unfit
from gateway.providers.gigachat.payload import encoded, payload, tool_names
from gateway.providers.http_client import Countdown, HttpClient, HttpResponse, run_out


def mint_id() -> str:
    """Make 12 random characters, for the id of a tool call."""
    return secrets.token_hex(6)


class GigaChat:
    """One GigaChat account behind one address. See `gateway.providers.base.Provider`."""

    name = PROVIDER

    def __init__(
        self,
        *,
        base_url: str,
        auth_url: str,
        credentials: str,
        scope: str,
        ca_bundle_file: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        tick_s: float = TICK_S,
        mint_id: Callable[[], str] = mint_id,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Raise ValueError on a wrong address or key, OSError without the CA bundle."""
        self._http = HttpClient(
            base_url,
            provider=PROVIDER,
            ca_bundle_file=ca_bundle_file,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            tick_s=tick_s,
        )
        tokens = AccessTokens(
            auth_url=auth_url,
            credentials=credentials,
            scope=scope,
            ca_bundle_file=ca_bundle_file,
            now_s=now_s,
        )
        self._channel = Channel(self._http, tokens, now_s=now_s)
        self._mint_id = mint_id

    def stream(
        self, request: ChatRequest, *, upstream_id: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, None]:
        """Ask for a completion and yield it as it comes, or whole if it was not to be streamed."""
        session_id = request.session_id
        if session_id is not None and not session_id.isprintable():
            raise UnsupportedInput("session_id must be printable.", param="session_id")
        refuse_unfit(request.messages)
        names = tool_names(request)
        wire = payload(request, upstream_id=upstream_id, names=names)
        files = FileStore(self._channel)
        try:
            attachments = yield from files.upload(request.messages, lifeline)
            if attachments:
                wire = payload(
                    request, upstream_id=upstream_id, names=names, attachments=attachments
                )
            response = yield from self._channel.open(
                "/chat/completions",
                encoded(wire),
                accept=EVENT_STREAM if request.stream else JSON,
                session_id=session_id,
                lifeline=lifeline,
            )
            reader = ChunkReader(names=names, mint_id=self._mint_id, scrub=self._channel.scrub)
            try:
                yield from _chunks(reader, response, streamed=request.stream)
            finally:
                response.close()
        finally:
            files.delete()

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float
    ) -> list[int]:
        """Count the tokens of each text as a plain string, without the frame of a chat."""
        countdown = Countdown(timeout_s)
        counts: list[int] = []
        for batch in batches(texts):
            body = encoded({"model": upstream_id, "input": batch})
            answer = run_out(self._channel.ask("/tokens/count", body, lifeline=countdown))
            counts += read_counts(answer, len(batch))
        return counts

    def count_chat_tokens(self, request: ChatRequest, *, upstream_id: str, timeout_s: float) -> int:
        """Count the tokens of what a prompt says: there is no counter of whole chats."""
        texts = [message.content for message in request.messages]
        texts += [call.arguments for message in request.messages for call in message.tool_calls]
        texts += [encoded(asdict(tool)).decode() for tool in request.tools]
        said = [text for text in texts if text]
        return sum(self.count_tokens(said, upstream_id=upstream_id, timeout_s=timeout_s))

    def embed(self, texts: Sequence[str], *, upstream_id: str, timeout_s: float) -> Embedding:
        """Embed the texts, in as many requests as their number needs."""
        countdown = Countdown(timeout_s)
        vectors: list[tuple[float, ...]] = []
        prompt_tokens = 0
        for batch in batches(texts):
            body = encoded({"model": upstream_id, "input": batch})
            answer = run_out(self._channel.ask("/embeddings", body, lifeline=countdown))
            found, tokens = read_vectors(answer, len(batch))
            vectors += found
            prompt_tokens += tokens
        return Embedding(tuple(vectors), prompt_tokens)

    def close(self) -> None:
        """Drop the idle connections."""
        self._http.close()


def _chunks(
    reader: ChunkReader, response: HttpResponse, *, streamed: bool
) -> Generator[ChatChunk, None, None]:
    # A provider that answers a streaming request as a whole has answered all the same.
    content_type = response.headers.get("content-type", "").lower()
    if not streamed or content_type.startswith(JSON):
        yield reader.whole((yield from response.read()))
        return
    for line in response.lines():
        if line is None:
            yield TICK
            continue
        chunk = reader.line(line)
        if chunk is not None:
            yield chunk
        if reader.done:
            response.drain()
            break
    last = reader.end()
    if last is not None:
        yield last
