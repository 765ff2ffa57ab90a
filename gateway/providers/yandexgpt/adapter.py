"""YandexGPT behind the Provider protocol: credential, payload, host and chunks put together."""

import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from gateway.providers.base import Lifeline
from gateway.providers.chat_types import TICK, ChatChunk, ChatRequest, Embedding, JSONObject
from gateway.providers.http_client import Countdown, HttpClient, HttpResponse
from gateway.providers.yandexgpt.answers import read_token_list, read_vector
from gateway.providers.yandexgpt.auth import ApiKey, Credential, IamTokens
from gateway.providers.yandexgpt.chunks import ChunkReader
from gateway.providers.yandexgpt.conversation import tool_names
from gateway.providers.yandexgpt.failures import PROVIDER
from gateway.providers.yandexgpt.model_host import NO_LOGGING, ModelHost
from gateway.providers.yandexgpt.payload import completion_payload, model_uri


def mint_call_id() -> str:
    """Make the id of a tool call, unique within any conversation."""
    return f"call_{secrets.token_hex(12)}"


class YandexGPT:
    """Yandex's models at one address under one credential. Thread safe."""

    name = PROVIDER

    def __init__(
        self,
        *,
        folder_id: str,
        api_key: str | None = None,
        service_account_key: Mapping[str, Any] | None = None,
        base_url: str = "https://llm.api.cloud.yandex.net",
        iam_url: str = "https://iam.api.cloud.yandex.net/iam/v1/tokens",
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        mint_id: Callable[[], str] = mint_call_id,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take address and credential; nothing is sent yet.

        `base_url` has no path, `iam_url` is the whole address of the exchange. An API key goes
        before `service_account_key`, the parsed key file. Raises ValueError without either.
        """
        credential: Credential
        if api_key:
            credential = ApiKey(api_key)
        elif service_account_key is not None:
            credential = IamTokens(service_account_key, iam_url=iam_url, clock=clock)
        else:
            raise ValueError("YandexGPT needs an API key or a service account key.")
        self._client = HttpClient(
            base_url,
            provider=PROVIDER,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._host = ModelHost(self._client, credential, folder_id=folder_id)
        self._folder_id = folder_id
        self._mint_id = mint_id

    def stream(
        self, request: ChatRequest, *, upstream_id: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, None]:
        """Ask `upstream_id` and yield the answer as it comes; see base.Provider.

        Raises:
            ProviderError: the upstream failed.
            UnsupportedInput: the request says what Yandex has no word for.
        """
        names = tool_names(request)
        payload = completion_payload(
            request, folder_id=self._folder_id, upstream_id=upstream_id, names=names
        )
        headers = NO_LOGGING if request.data_collection == "deny" else {}
        response = yield from self._host.ask(
            "completion", payload, lifeline=lifeline, headers=headers
        )
        with closing(response):
            reader = ChunkReader(names=names, mint_id=self._mint_id, scrub=self._host.scrub)
            yield from _streamed(response, reader) if request.stream else _whole(response, reader)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float
    ) -> list[int]:
        """Count the tokens of each text; the tokenizer takes one text per call, and is free."""
        countdown = Countdown(timeout_s)
        uri = model_uri("gpt", self._folder_id, upstream_id)
        return [
            self._count("tokenize", {"modelUri": uri, "text": text}, countdown) if text else 0
            for text in texts
        ]

    def count_chat_tokens(self, request: ChatRequest, *, upstream_id: str, timeout_s: float) -> int:
        """Count the prompt tokens of `request` as the model will see it, chat template included."""
        payload = completion_payload(
            replace(request, stream=False),
            folder_id=self._folder_id,
            upstream_id=upstream_id,
            names=tool_names(request),
        )
        return self._count("tokenizeCompletion", payload, Countdown(timeout_s))

    def embed(self, texts: Sequence[str], *, upstream_id: str, timeout_s: float) -> Embedding:
        """Vectors of `texts`: one text per call, one call after the other, within Yandex's rate."""
        countdown = Countdown(timeout_s)
        uri = model_uri("emb", self._folder_id, upstream_id)
        payloads = [{"modelUri": uri, "text": text} for text in texts]
        answers = [
            read_vector(self._host.call("textEmbedding", payload, lifeline=countdown))
            for payload in payloads
        ]
        return Embedding(
            vectors=tuple(vector for vector, _ in answers),
            prompt_tokens=sum(tokens for _, tokens in answers),
        )

    def close(self) -> None:
        """Drop the idle connections."""
        self._client.close()

    def _count(self, method: str, payload: JSONObject, lifeline: Lifeline) -> int:
        return read_token_list(self._host.call(method, payload, lifeline=lifeline))


def _whole(response: HttpResponse, reader: ChunkReader) -> Generator[ChatChunk, None, None]:
    chunk = reader.read((yield from response.read()))
    reader.end()
    if chunk is not None:
        yield chunk


def _streamed(response: HttpResponse, reader: ChunkReader) -> Generator[ChatChunk, None, None]:
    for line in response.lines():
        if line is None:
            yield TICK
        elif (chunk := reader.read(line)) is not None:
            yield chunk
        if reader.finished:
            response.drain()
            return
    reader.end()
