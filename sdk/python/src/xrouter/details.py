"""What XRouter says of an answer in its headers: what was adapted, how many providers were tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import AsyncStream, BaseModel, Stream

_ATTRIBUTE = "_xrouter"


@dataclass(frozen=True, slots=True)
class Details:
    """`adapted`: all that is not as it was asked for, say `temperature=clamped`, as far as it was known then.

    `attempts` is how many providers were tried, None where none was needed. `generation_id` is what
    `client.generation` takes, None where nothing was generated.
    """

    adapted: tuple[str, ...]
    attempts: int | None
    generation_id: str | None
    request_id: str | None

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> "Details":
        attempts = headers.get("x-xrouter-attempts")
        return cls(
            adapted=tuple(filter(None, headers.get("x-xrouter-adapted", "").split(", "))),
            attempts=None if attempts is None else int(attempts),
            generation_id=headers.get("x-generation-id"),
            request_id=headers.get("x-request-id"),
        )


def details(answer: object) -> Details:
    """Return the details of an answer or a stream of a client of this package. Raises TypeError."""
    if isinstance(answer, Stream | AsyncStream):
        return Details.of_headers(answer.response.headers)
    found = getattr(answer, _ATTRIBUTE, None)
    if not isinstance(found, Details):
        raise TypeError(f"{type(answer).__name__} is no answer of XRouter's client.")
    return found


def note_details(answer: Any, headers: Mapping[str, str]) -> None:
    """Keep the details of an answer with it."""
    if isinstance(answer, BaseModel):
        setattr(answer, _ATTRIBUTE, Details.of_headers(headers))
