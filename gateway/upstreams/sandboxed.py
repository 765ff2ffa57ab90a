"""The sandbox of this process and adapters to it, for test keys and for a start without credentials."""

import threading
from collections.abc import Generator, Sequence

from gateway.providers import registry
from gateway.providers.base import CancelToken, Provider
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding
from gateway.providers.profile import ModelProfile
from gateway.providers.registry import BUILT_IN
from gateway.providers.tick import Tick
from gateway.upstreams.environment import timeouts
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from sandbox.server import Sandbox

CHAT_MODEL, EMBEDDINGS_MODEL = "gemma-3-27b-it", "bge-m3"
"""The most capable models of the emulated OpenAI-compatible server."""

_lock = threading.RLock()
_providers: dict[str, Provider] = {}
_sandbox: Sandbox | None = None


class AnyModel:
    """The emulated server, which answers whatever upstream names an operator's models have."""

    def __init__(self, server: Provider) -> None:
        self._server = server
        self.name = server.name

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        return profile

    def stream(
        self, request: ChatRequest, *, upstream_id: str, cancel_token: CancelToken, wire: str = ""
    ) -> Generator[Tick | ChatChunk, None, None]:
        return self._server.stream(request, upstream_id=CHAT_MODEL, cancel_token=cancel_token)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        return self._server.count_tokens(texts, upstream_id=CHAT_MODEL, timeout_s=timeout_s)

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        return self._server.count_chat_tokens(request, upstream_id=CHAT_MODEL, timeout_s=timeout_s)

    def embed(
        self,
        texts: Sequence[str],
        *,
        upstream_id: str,
        timeout_s: float,
        dimensions: int | None = None,
        wire: str = "",
    ) -> Embedding:
        return self._server.embed(texts, upstream_id=EMBEDDINGS_MODEL, timeout_s=timeout_s)


def sandbox() -> Sandbox:
    """Return the sandbox of this process; the first call starts it on free loopback ports."""
    global _sandbox
    with _lock:
        if _sandbox is None:
            _sandbox = Sandbox()
            _sandbox.start()
        return _sandbox


def sandboxed(slug: str) -> Provider:
    """Return the emulated provider for `slug`."""
    found = _providers.get(slug)
    if found is None:
        with _lock:
            found = _providers.get(slug)
            if found is None:
                found = _providers[slug] = _build(slug)
    return found


def _build(slug: str) -> Provider:
    built_in = BUILT_IN.get(slug)
    if built_in is None or built_in.is_compatible:
        return AnyModel(_server(slug))
    environment = sandbox().environment()

    def variable(name: str) -> str:
        return environment.get(name, "")

    secret = built_in.read_secret(variable)
    return built_in.build(secret, built_in.complete({}, variable), timeouts())


def _server(slug: str) -> Provider:
    return registry.server(
        slug,
        base_url=f"{sandbox().openai_origin}/v1",
        api_key=OPENAI_COMPATIBLE_API_KEY,
        ca_bundle_file="",
        timeouts=timeouts(),
    )
