"""What every provider adapter offers the pipeline, and what it is given."""

from collections.abc import Generator, Sequence
from typing import Protocol

from gateway.providers.chat_types import ChatChunk, ChatRequest, Embedding

TICK_S = 3.0
"""Silence after which `stream` yields an empty chunk, so that its reader may say something to the caller."""


class Lifeline(Protocol):
    """Lets the caller's departure cut the upstream connection from another thread.

    The adapter passes it to the HTTP client, which tells it of the socket it reads from and takes it
    back when the answer ends. `deadline_s` is a `time.monotonic()` stamp: the total timeout.
    """

    deadline_s: float

    def attach(self, abort: "Abort") -> None: ...

    def detach(self) -> None: ...


class Abort(Protocol):
    """Shuts the upstream socket down, so that a reader blocked on it wakes at once. Safe from any thread."""

    def __call__(self) -> None: ...


class Provider(Protocol):
    """One vendor behind one address and one credential. Thread safe; raises the tree of errors.py."""

    name: str

    def stream(
        self, request: ChatRequest, *, upstream_id: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, None]:
        """Ask `upstream_id` (the vendor's own model id) and yield the answer as it comes.

        Nothing is sent before the first `next()`. The first chunk that is no tick means that the
        provider has begun to answer. The last chunk bears `finish_reason`; usage comes in it or after
        it. If `request.stream` is false the upstream may be asked for a whole answer, yielded as one
        chunk. `close()` at any time closes the upstream connection.
        """
        ...

    def count_tokens(
        self, texts: Sequence[str], *, upstream_id: str, timeout_s: float
    ) -> list[int]:
        """Tokens of each text by the vendor's own counter."""
        ...

    def count_chat_tokens(self, request: ChatRequest, *, upstream_id: str, timeout_s: float) -> int:
        """Tokens of a whole prompt by the vendor's own counter."""
        ...

    def embed(self, texts: Sequence[str], *, upstream_id: str, timeout_s: float) -> Embedding:
        """Vectors of `texts`, split to the vendor's limits."""
        ...
