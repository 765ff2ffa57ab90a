"""The sandbox of this process, and the adapters before it: what test keys and the keyless start meet."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence

from django.conf import settings

from gateway.providers.base import Lifeline, Provider
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.yandexgpt.adapter import YandexGPT
from gateway.sandbox import credentials
from gateway.sandbox.server import Sandbox

CHAT_MODEL, EMBEDDINGS_MODEL = "gemma-3-27b-it", "bge-m3"
"""The models of the emulated OpenAI-compatible server that do the most of their kind."""

_lock = threading.RLock()
_providers: dict[str, Provider] = {}
_sandbox: Sandbox | None = None


class AnyModel:
    """The emulated server under whatever names an operator's models have upstream."""

    def __init__(self, server: OpenAICompatible) -> None:
        self._server = server
        self.name = server.name

    def stream(
        self, request: ChatRequest, *, upstream_id: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, None]:
        return self._server.stream(request, upstream_id=CHAT_MODEL, lifeline=lifeline)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float
    ) -> list[int]:
        return self._server.count_tokens(texts, upstream_id=CHAT_MODEL, timeout_s=timeout_s)

    def count_chat_tokens(self, request: ChatRequest, *, upstream_id: str, timeout_s: float) -> int:
        return self._server.count_chat_tokens(request, upstream_id=CHAT_MODEL, timeout_s=timeout_s)

    def embed(self, texts: Sequence[str], *, upstream_id: str, timeout_s: float) -> Embedding:
        return self._server.embed(texts, upstream_id=EMBEDDINGS_MODEL, timeout_s=timeout_s)


def sandbox() -> Sandbox:
    """Return this process's sandbox, started at the first call on loopback ports of its own."""
    global _sandbox
    with _lock:
        if _sandbox is None:
            _sandbox = Sandbox()
            _sandbox.start()
        return _sandbox


def sandboxed(slug: str) -> Provider:
    """Return the provider that plays `slug`'s part."""
    found = _providers.get(slug)
    if found is None:
        with _lock:
            found = _providers.get(slug)
            if found is None:
                build = BUILT_IN.get(slug)
                found = _providers[slug] = _server(slug) if build is None else build()
    return found


def _gigachat() -> Provider:
    origin = sandbox().gigachat_origin
    return GigaChat(
        base_url=f"{origin}/v1",
        auth_url=f"{origin}/api/v2/oauth",
        credentials=credentials.GIGACHAT_CREDENTIALS,
        scope=credentials.GIGACHAT_SCOPE,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _yandexgpt() -> Provider:
    origin = sandbox().yandex_origin
    return YandexGPT(
        base_url=origin,
        iam_url=f"{origin}/iam/v1/tokens",
        folder_id=credentials.YANDEX_FOLDER_ID,
        api_key=credentials.YANDEX_API_KEY,
        service_account_key=None,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _server(slug: str) -> Provider:
    return AnyModel(
        OpenAICompatible(
            slug,
            base_url=f"{sandbox().openai_origin}/v1",
            api_key=credentials.OPENAI_COMPATIBLE_API_KEY,
            connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
            read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
        )
    )


BUILT_IN: Mapping[str, Callable[[], Provider]] = {"gigachat": _gigachat, "yandexgpt": _yandexgpt}
