"""The seam between the views and a wire protocol: what a dialect can do.

A protocol is one file here, its schema, and its paths in the URL table; views and pipeline know none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gateway.api.body import JSONObject
from gateway.api.errors import Failure
from gateway.pipeline.execution.stream import Completion, CompletionStream
from gateway.pipeline.request import CompletionRequest


class AnswerWriter(Protocol):
    """Writes the answer to one request; it remembers of the request what the answer depends on."""

    def answer(self, completion: Completion, stream: CompletionStream) -> JSONObject:
        """Return the body of a plain answer; `stream` has ended and has its `outcome`."""

    def events(self, stream: CompletionStream) -> Iterator[bytes]:
        """Yield a streamed answer as frames, a comment or a ping for each tick.

        What `stream` raises is not caught here: the view asks for a `failure_event`.
        """

    def failure_event(self, failure: Failure) -> bytes:
        """Return what ends a stream that fails after its status was sent."""


class Dialect(Protocol):
    """How the callers of some paths speak. It has no state of a request."""

    def credential(self, headers: Mapping[str, str]) -> str | None:
        """Return the credential in the form `Bearer KEY`; None where there is none.

        `headers` finds names in any case.
        """

    def read(self, body: JSONObject, *, is_strict: bool) -> tuple[CompletionRequest, AnswerWriter]:
        """Return what is ordered, and who writes the answer. Raises RequestRefused."""

    def error(self, failure: Failure) -> JSONObject:
        """Return the body of an error; also of one that was raised before anything was read."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that every answer bears in this dialect, errors too."""


class CountingDialect(Dialect, Protocol):
    """A dialect in which the tokens of a prompt may be counted."""

    def read_count(self, body: JSONObject) -> CompletionRequest:
        """Return the request whose prompt is to be counted. Raises RequestRefused."""

    def token_count(self, tokens: int, model: str) -> JSONObject:
        """Return the answer; `model` is the id of the one that would serve."""


class ModelsDialect(Dialect, Protocol):
    """A dialect in which the models may be listed; a card is a `model_cards.ModelCard`."""

    def model_list(
        self, cards: Sequence[Mapping[str, Any]], query: Mapping[str, str]
    ) -> JSONObject:
        """Return the list, or the page of it that the query string asks for. Raises BadRequest."""

    def model(self, card: Mapping[str, Any]) -> JSONObject:
        """Return one model."""
