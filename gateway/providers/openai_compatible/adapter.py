"""Any OpenAI-compatible server as a Provider: payload out, chunks in."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from gateway.providers._shared.api_client import JSON_HEADERS, ApiClient
from gateway.providers._shared.credentials import ApiKey, Credential
from gateway.providers._shared.embeddings import joined
from gateway.providers._shared.http_client import EVENT_STREAM, Deadline, HttpClient, drain
from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.streaming import is_event_stream, read_answer
from gateway.providers._shared.tool_calls import mint_call_id
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.base import AccountModels, CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding, NamedTool
from gateway.providers.errors import ProviderUnavailable, UnsupportedInput
from gateway.providers.openai_compatible.chunks import OpenAIChunkReader
from gateway.providers.openai_compatible.embeddings import (
    BATCH_TEXTS_MAX,
    batches,
    embedding_payload,
    read_embedding,
)
from gateway.providers.openai_compatible.failures import error_from_response
from gateway.providers.openai_compatible.payload import completion_payload
from gateway.providers.openai_listing import ListedModel, read_models
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import TICK_S, Tick

_STREAM_HEADERS: Mapping[str, str] = {**JSON_HEADERS, "Accept": EVENT_STREAM}


@dataclass(frozen=True, slots=True)
class ServerHabits:
    """How one server differs from others.

    `chat_model` and `embedding_model` turn an upstream id into what it calls the model. `deny_headers` tell
    it with every request to keep nothing of it; without any it cannot be told. `texts_max` is how many texts
    it embeds at once. `secrets` are to be masked in errors beside the key. One that does not take
    `named_tools` is offered the named tool alone and told that it must call one; one that does not take
    `blank_messages` is not sent them.
    """

    chat_model: str = "{}"
    embedding_model: str = "{}"
    deny_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    texts_max: int = BATCH_TEXTS_MAX
    secrets: Iterable[str] = ()
    named_tools: bool = True
    blank_messages: bool = True


class OpenAICompatible:
    """One server behind one address and one key. See `gateway.providers.base.Provider`."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        api_key: str | None = None,
        credential: Credential | None = None,
        habits: ServerHabits = ServerHabits(),
        ca_bundle_file: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        tick_s: float = TICK_S,
        mint_id: Callable[[], str] = mint_call_id,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Take address and key; nothing is sent yet.

        `name` is the provider's slug. `base_url` is used as given: `/chat/completions` is appended,
        so it mostly ends in `/v1`. A `credential` goes before `api_key`. Raises ValueError on a wrong
        address or key, OSError without the CA bundle.
        """
        self.name = name
        self.urls = (base_url,)
        self._api = ApiClient(
            HttpClient(
                base_url,
                provider=name,
                ca_bundle_file=ca_bundle_file,
                connect_timeout_s=connect_timeout_s,
                read_timeout_s=read_timeout_s,
                tick_s=tick_s,
            ),
            credential or ApiKey(api_key),
            read_error=partial(error_from_response, provider=name),
            secrets=habits.secrets,
            now_s=now_s,
        )
        self._habits = habits
        self._headers = {**JSON_HEADERS, **habits.deny_headers}
        self._stream_headers = {**_STREAM_HEADERS, **habits.deny_headers}
        self._mint_id = mint_id

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        """Return the profile: every account here can do what its models can."""
        return profile

    def stream(
        self, request: ChatRequest, *, upstream_id: str, cancel_token: CancelToken, wire: str = ""
    ) -> Generator[Tick | ChatChunk, None, None]:
        """Ask for a completion and yield it as it comes, or whole if it was not to be streamed.

        Raises:
            ProviderError: the upstream failed.
            UnsupportedInput: the request says what this wire has no place for.
        """
        names = tool_names(request)
        headers = self._stream_headers if request.stream else self._headers
        if self._habits.deny_headers:
            request = request._replace(data_collection="allow")  # said already
        if not self._habits.named_tools:
            request = _offering_the_named(request)
        if not self._habits.blank_messages:
            request = _without_blanks(request)
        model = self._habits.chat_model.format(upstream_id)
        body = encode_json(completion_payload(request, upstream_id=model, names=names))
        response = yield from self._api.open(
            "/chat/completions", body, cancel_token=cancel_token, headers=headers
        )
        with closing(response):
            reader = OpenAIChunkReader(
                provider=self.name, names=names, mint_id=self._mint_id, redact=self._api.redact
            )
            is_streamed = is_event_stream(response, asked=request.stream)
            yield from read_answer(response, reader, is_streamed=is_streamed)

    def list_models(self, *, timeout_s: float) -> AccountModels:
        """List the models of the account, which costs nothing. Raises ProviderError."""
        return self._api.list_models("/models", timeout_s=timeout_s)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        """Raise ProviderUnavailable: this wire has no counter."""
        raise ProviderUnavailable("The provider has no token counter.", provider=self.name)

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        """Raise UnsupportedInput: another model may be counted, another try may not."""
        raise UnsupportedInput(
            "The provider of this model has no token counter; `usage` of an answer has its tokens.",
            param="model",
        )

    def embed(
        self,
        texts: Sequence[str],
        *,
        upstream_id: str,
        timeout_s: float,
        dimensions: int | None = None,
        wire: str = "",
    ) -> Embedding:
        """Embed the texts, in as many requests as their number needs."""
        deadline = Deadline(timeout_s)
        model = self._habits.embedding_model.format(upstream_id)

        def ask(batch: list[str]) -> Embedding:
            payload = embedding_payload(batch, upstream_id=model, dimensions=dimensions)
            answer = drain(
                self._api.ask(
                    "/embeddings",
                    encode_json(payload),
                    cancel_token=deadline,
                    headers=self._headers,
                )
            )
            return read_embedding(answer, len(batch), provider=self.name)

        return joined(map(ask, batches(texts, self._habits.texts_max)))

    def models(self, *, timeout_s: float) -> list[ListedModel]:
        """Return the models that the server lists; it charges nothing for that."""
        answer = drain(self._api.ask("/models", None, cancel_token=Deadline(timeout_s)))
        return read_models(answer, provider=self.name)

    def close(self) -> None:
        """Drop the idle connections."""
        self._api.close()


def _offering_the_named(request: ChatRequest) -> ChatRequest:
    choice = request.tool_choice
    if not isinstance(choice, NamedTool):
        return request
    tools = tuple(tool for tool in request.tools if tool.name == choice.name)
    return request._replace(tools=tools, tool_choice="required")


def _without_blanks(request: ChatRequest) -> ChatRequest:
    messages = tuple(message for message in request.messages if not message.is_blank)
    if not messages:
        raise UnsupportedInput("Every message is empty.", param="messages")
    return request._replace(messages=messages)
