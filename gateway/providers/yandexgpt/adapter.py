"""YandexGPT as a Provider: payload out, chunks in, one text a request for vectors and counts."""

import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from gateway.providers._shared.api_client import ApiClient
from gateway.providers._shared.credentials import ApiKey, Credential
from gateway.providers._shared.embeddings import joined
from gateway.providers._shared.http_client import JSON, Deadline, HttpClient, drain
from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.streaming import read_answer
from gateway.providers._shared.tool_calls import mint_call_id
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.base import AccountModels, CancelToken
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding, JSONObject
from gateway.providers.errors import ProviderError, ProviderRateLimited
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import TICK_S, Tick
from gateway.providers.yandexgpt.answers import result_of
from gateway.providers.yandexgpt.auth import iam_token
from gateway.providers.yandexgpt.chunks import YandexChunkReader
from gateway.providers.yandexgpt.embeddings import read_embedding, read_token_list
from gateway.providers.yandexgpt.failures import PROVIDER, error_from_response
from gateway.providers.yandexgpt.payload import completion_payload, model_uri

_API = "/foundationModels/v1"
TRIED_MODEL = "yandexgpt-lite"
PATIENCE_S = 5.0
"""How long one call waits for its turn: the limits are of a second, and whoever waits longer is told so."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


class YandexGPT:
    """YandexGPT behind one address and one credential. See `gateway.providers.base.Provider`."""

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
        tick_s: float = TICK_S,
        mint_id: Callable[[], str] = mint_call_id,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Take address and credential; nothing is sent yet.

        `base_url` has no path, `iam_url` is the whole address of the exchange. An API key goes
        before `service_account_key`, the parsed key file. Raises ValueError without either.
        """
        self.credential: Credential
        if api_key:
            self.credential = ApiKey(api_key, scheme="Api-Key")
            self.urls: tuple[str, ...] = (base_url,)
        elif service_account_key is not None:
            self.credential = iam_token(
                service_account_key,
                iam_url=iam_url,
                connect_timeout_s=connect_timeout_s,
                read_timeout_s=read_timeout_s,
                now_s=now_s,
            )
            self.urls = (base_url, iam_url)
        else:
            raise ValueError("YandexGPT needs an API key or a service account key.")
        http = HttpClient(
            base_url,
            provider=PROVIDER,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            tick_s=tick_s,
        )
        self._api = ApiClient(
            http,
            self.credential,
            read_error=error_from_response,
            secrets=(folder_id,),
            now_s=now_s,
        )
        self._folder_id = folder_id
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
        payload = completion_payload(
            request, folder_id=self._folder_id, upstream_id=upstream_id, names=names
        )
        response = yield from self._api.open(
            f"{_API}/completion",
            encode_json(payload),
            cancel_token=cancel_token,
            headers=_headers(),
        )
        with closing(response):
            reader = YandexChunkReader(names=names, mint_id=self._mint_id, redact=self._api.redact)
            yield from read_answer(response, reader, is_streamed=request.stream)

    def list_models(self, *, timeout_s: float) -> AccountModels:
        """Count a word in the folder, which its role must allow, and list the models: both cost nothing.

        An address without a list is none the worse for it. Raises ProviderError.
        """
        self.count_tokens(["a"], upstream_id=TRIED_MODEL, timeout_s=timeout_s)
        try:
            return self._api.list_models("/v1/models", timeout_s=timeout_s)
        except ProviderError as error:
            if error.status in (404, 405):
                return AccountModels((), "")
            raise

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        """Count the tokens of each text; the tokenizer takes one text per call, and is free."""
        deadline = Deadline(timeout_s)
        uri = model_uri("gpt", self._folder_id, upstream_id)
        return [
            self._count("tokenize", {"modelUri": uri, "text": text}, deadline) if text else 0
            for text in texts
        ]

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        """Count the prompt tokens of `request` as the model will see it, chat template included."""
        payload = completion_payload(
            request._replace(stream=False),
            folder_id=self._folder_id,
            upstream_id=upstream_id,
            names=tool_names(request),
        )
        return self._count("tokenizeCompletion", payload, Deadline(timeout_s))

    def embed(
        self,
        texts: Sequence[str],
        *,
        upstream_id: str,
        timeout_s: float,
        dimensions: int | None = None,
        wire: str = "",
    ) -> Embedding:
        """Embed the texts: one a request, one request after the other, within Yandex's rate."""
        deadline = Deadline(timeout_s)
        uri = model_uri("emb", self._folder_id, upstream_id)
        size = {} if dimensions is None else {"dim": str(dimensions)}
        payloads = [{"modelUri": uri, "text": text, **size} for text in texts]
        return joined(
            read_embedding(self._call("textEmbedding", payload, deadline)) for payload in payloads
        )

    def close(self) -> None:
        """Drop the idle connections."""
        self._api.close()

    def _count(self, method: str, payload: JSONObject, cancel_token: Deadline) -> int:
        return read_token_list(self._call(method, payload, cancel_token))

    def _call(self, method: str, payload: JSONObject, cancel_token: Deadline) -> JSONObject:
        """POST to `method` and return the whole answer.

        Yandex allows few such calls a second: a 429 is waited out as long as patience and deadline allow.
        """
        body = encode_json(payload)
        give_up_s = min(time.monotonic() + PATIENCE_S, cancel_token.deadline_s)
        pause_s = _FIRST_PAUSE_S
        while True:
            headers = _headers()
            try:
                answer = drain(
                    self._api.ask(
                        f"{_API}/{method}", body, cancel_token=cancel_token, headers=headers
                    )
                )
                return result_of(answer, redact=self._api.redact)
            except ProviderRateLimited as error:
                wait_s = max(pause_s, error.retry_after_s or 0.0)
                if time.monotonic() + wait_s >= give_up_s:
                    raise
            time.sleep(wait_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _headers() -> Mapping[str, str]:
    """Return the headers of a request; Yandex keeps prompts unless it is told not to."""
    return {
        "Content-Type": JSON,
        "x-client-request-id": str(uuid.uuid4()),
        "x-data-logging-enabled": "false",
    }
