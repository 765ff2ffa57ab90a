"""GigaChat as a Provider: payload out, chunks in, files and tokens around them."""

import secrets
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict

from gateway.providers._shared.api_client import JSON_HEADERS, ApiClient
from gateway.providers._shared.embeddings import joined
from gateway.providers._shared.http_client import EVENT_STREAM, Deadline, HttpClient, drain
from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.streaming import is_event_stream, read_answer
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.base import AccountModels, CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding
from gateway.providers.errors import ProviderError, UnsupportedInput
from gateway.providers.gigachat import v2_payload
from gateway.providers.gigachat.auth import access_token
from gateway.providers.gigachat.chat_form import AUTO, ChatForms
from gateway.providers.gigachat.chunks import GigaChatChunkReader
from gateway.providers.gigachat.embeddings import batches, read_counts, read_embedding
from gateway.providers.gigachat.failures import PROVIDER, error_from_response
from gateway.providers.gigachat.files import GigaChatFiles, refuse_unfit
from gateway.providers.gigachat.payload import RESERVED_NAMES, completion_payload
from gateway.providers.gigachat.roots import extra_roots
from gateway.providers.gigachat.v2_chunks import GigaChatV2ChunkReader
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import TICK_S, Tick
from infra.request_id import request_id

_VERSION = "/v1"


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
        chat_form: str = AUTO,
        ca_bundle_file: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        tick_s: float = TICK_S,
        mint_id: Callable[[], str] = mint_id,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Raise ValueError on a wrong address, key or `chat_form`, OSError without the CA bundle.

        The second chat form is found beside a `base_url` that ends in /v1.
        """
        origin = base_url.rstrip("/")
        self._version = _VERSION if origin.endswith(_VERSION) else ""
        self._forms = ChatForms(chat_form, has_second=bool(self._version))
        self.urls = (base_url, auth_url)
        self._api = ApiClient(
            HttpClient(
                origin.removesuffix(_VERSION),
                provider=PROVIDER,
                ca_bundle_file=ca_bundle_file,
                extra_roots=extra_roots(base_url),
                connect_timeout_s=connect_timeout_s,
                read_timeout_s=read_timeout_s,
                tick_s=tick_s,
            ),
            access_token(
                auth_url=auth_url,
                credentials=credentials,
                scope=scope,
                ca_bundle_file=ca_bundle_file,
                connect_timeout_s=connect_timeout_s,
                read_timeout_s=read_timeout_s,
                now_s=now_s,
            ),
            read_error=error_from_response,
            now_s=now_s,
        )
        self._mint_id = mint_id

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        """Return the profile, or less where this account has the first chat form alone."""
        return self._forms.narrowed(profile)

    def stream(
        self, request: ChatRequest, *, upstream_id: str, cancel_token: CancelToken, wire: str = ""
    ) -> Generator[Tick | ChatChunk, None, None]:
        """Ask for a completion and yield it as it comes, or whole if it was not to be streamed.

        Images are uploaded before it and deleted after it.

        Raises:
            ProviderError: the upstream failed.
            UnsupportedInput: the request says what this wire has no place for.
        """
        headers = {**JSON_HEADERS, **({"Accept": EVENT_STREAM} if request.stream else {})}
        if request.session_id is not None:
            if not request.session_id.isprintable():
                raise UnsupportedInput("session_id must be printable.", param="session_id")
            headers["X-Session-ID"] = request.session_id
        if own_id := request_id.get():
            headers["X-Request-ID"] = own_id
        refuse_unfit(request.messages)
        is_second = self._forms.is_second(request, wire)
        if is_second:
            names = tool_names(request, signs=v2_payload.NAME_SIGNS)
            path, write = "/v2/chat/completions", v2_payload.completion_payload
        else:
            names = tool_names(request, reserved=RESERVED_NAMES)
            path, write = f"{self._version}/chat/completions", completion_payload
        payload = write(request, upstream_id=upstream_id, names=names)
        files = GigaChatFiles(self._api, f"{self._version}/files")
        try:
            attachments = yield from files.upload(request.messages, cancel_token)
            if attachments:
                payload = write(
                    request, upstream_id=upstream_id, names=names, attachments=attachments
                )
            try:
                response = yield from self._api.open(
                    path, encode_json(payload), cancel_token=cancel_token, headers=headers
                )
            except ProviderError as error:
                if is_second:
                    self._forms.raise_if_missing(error.status, error.raw)
                else:
                    self._forms.forget_if_all_missing(error.status, error.raw)
                raise
            with closing(response):
                reading = GigaChatV2ChunkReader if is_second else GigaChatChunkReader
                reader = reading(names=names, mint_id=self._mint_id, redact=self._api.redact)
                is_streamed = is_event_stream(response, asked=request.stream)
                yield from read_answer(response, reader, is_streamed=is_streamed)
        finally:
            files.delete()

    def list_models(self, *, timeout_s: float) -> AccountModels:
        """List the models of the account, which costs nothing. Raises ProviderError."""
        return self._api.list_models(f"{self._version}/models", timeout_s=timeout_s)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        """Count the tokens of each text alone, without those of the chat template."""
        deadline = Deadline(timeout_s)
        counts: list[int] = []
        for batch in batches(texts):
            body = encode_json({"model": upstream_id, "input": batch})
            answer = drain(
                self._api.ask(f"{self._version}/tokens/count", body, cancel_token=deadline)
            )
            counts += read_counts(answer, len(batch))
        return counts

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        """Count the tokens of what a prompt says: there is no counter of whole chats."""
        texts = [message.content for message in request.messages]
        texts += [call.arguments for message in request.messages for call in message.tool_calls]
        texts += [encode_json(asdict(tool)).decode() for tool in request.tools]
        texts = [text for text in texts if text]
        return sum(self.count_tokens(texts, upstream_id=upstream_id, timeout_s=timeout_s))

    def embed(
        self,
        texts: Sequence[str],
        *,
        upstream_id: str,
        timeout_s: float,
        dimensions: int | None = None,
        wire: str = "",
    ) -> Embedding:
        """Embed the texts, in as many requests as their number needs.

        Raises UnsupportedInput for `dimensions`: every model here has one length.
        """
        if dimensions is not None:
            raise UnsupportedInput("This model has one length of vectors.", param="dimensions")
        deadline = Deadline(timeout_s)

        def ask(batch: list[str]) -> Embedding:
            body = encode_json({"model": upstream_id, "input": batch})
            answer = drain(
                self._api.ask(f"{self._version}/embeddings", body, cancel_token=deadline)
            )
            return read_embedding(answer, len(batch))

        return joined(map(ask, batches(texts)))

    def close(self) -> None:
        """Drop the idle connections."""
        self._api.close()
