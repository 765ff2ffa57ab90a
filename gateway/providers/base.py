"""The interface between the pipeline and a provider adapter."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick


class CancelToken(Protocol):
    """Cuts the upstream connection from another thread when the caller disconnects.

    The adapter passes it to the HTTP client, which attaches the socket it reads from and detaches it
    when the answer ends. `deadline_s` is the total timeout, in `time.monotonic()`.
    """

    deadline_s: float

    def bind(self, abort: "Abort") -> None: ...

    def unbind(self) -> None: ...


class Abort(Protocol):
    """Shuts the upstream socket down, from any thread; a blocked reader wakes at once."""

    def __call__(self) -> None: ...


class Provider(Protocol):
    """One vendor behind one address and one credential. Thread safe; raises what errors.py defines.

    `wire` is that of the route's profile: which form of the vendor's API it speaks.
    """

    name: str

    def narrowed(self, profile: ModelProfile) -> ModelProfile:
        """Return what the account can do of what a route's profile says; mostly all of it.

        Of a profile without a wire it is all.
        """
        ...

    def stream(
        self, request: ChatRequest, *, upstream_id: str, cancel_token: CancelToken, wire: str = ""
    ) -> Generator[Tick | ChatChunk, None, None]:
        """Ask `upstream_id` (the vendor's own model id) and yield the answer as it comes.

        Nothing is sent before the first `next()`. The first chunk means that the provider has begun
        to answer. The last chunk bears `finish_reason`; usage comes in it or after it. A tick is
        yielded whenever nothing else was for `TICK_S`. If `request.stream` is false, the upstream
        may be asked for a whole answer, yielded as one chunk. `close()` at any time closes the
        upstream connection. WireMissing is raised before any chunk; `narrowed` then says what is left.
        """
        ...

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> list[int]:
        """Count the tokens of each text by the vendor's own counter."""
        ...

    def count_chat_tokens(
        self, request: ChatRequest, *, upstream_id: str, timeout_s: float, wire: str = ""
    ) -> int:
        """Count the tokens of a whole prompt by the vendor's own counter."""
        ...

    def embed(
        self,
        texts: Sequence[str],
        *,
        upstream_id: str,
        timeout_s: float,
        dimensions: int | None = None,
        wire: str = "",
    ) -> Embedding:
        """Embed `texts`, in batches within the vendor's limits; None: vectors of the usual length."""
        ...


@dataclass(frozen=True, slots=True)
class AccountModels:
    """The models that a credential may use, by the vendor's ids, and the answer's `Date` header."""

    ids: tuple[str, ...]
    date: str


class Adapter(Provider, Protocol):
    """A provider with connections of its own; `urls` are the addresses that it asks."""

    @property
    def urls(self) -> tuple[str, ...]: ...

    def list_models(self, *, timeout_s: float) -> AccountModels:
        """List the models of the account, which costs nothing. Raises ProviderError."""
        ...

    def close(self) -> None:
        """Drop the idle connections."""
        ...
