"""One account behind several forms of a vendor's API, each with an adapter of its own."""

from collections.abc import Generator, Mapping, Sequence

from gateway.providers.base import AccountModels, Adapter, CancelToken, Provider
from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick


class ByWire:
    """Hands each request to the adapter of its route's `wire`; any other wire is the first adapter's.

    See `gateway.providers.base.Provider`.
    """

    def __init__(self, first: Adapter, others: Mapping[str, Adapter]) -> None:
        self.name = first.name
        self.urls = first.urls
        self._first = first
        self._others = others

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        return self._of(profile.wire).narrowed(profile)

    def stream(
        self, request: ChatRequest, *, upstream_id: str, cancel_token: CancelToken, wire: str = ""
    ) -> Generator[Tick | ChatChunk, None, None]:
        return self._of(wire).stream(request, upstream_id=upstream_id, cancel_token=cancel_token)

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        return self._of(wire).count_tokens(texts, upstream_id=upstream_id, timeout_s=timeout_s)

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        return self._of(wire).count_chat_tokens(
            request, upstream_id=upstream_id, timeout_s=timeout_s
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
        return self._of(wire).embed(
            texts, upstream_id=upstream_id, timeout_s=timeout_s, dimensions=dimensions
        )

    def list_models(self, *, timeout_s: float) -> AccountModels:
        return self._first.list_models(timeout_s=timeout_s)

    def close(self) -> None:
        for adapter in (self._first, *self._others.values()):
            adapter.close()

    def _of(self, wire: str) -> Provider:
        return self._others.get(wire, self._first)
