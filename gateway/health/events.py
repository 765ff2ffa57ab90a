"""The outcome of a request to a provider, and what it means for its parts: credential, route, provider."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "answered",
    "finished",
    "rejected",
    "failed",
    "refused",
    "missing",
    "unpaid",
    "busy",
    "abandoned",
]
"""`answered`: a probe's first chunk. `rejected`: the request was wrong, the provider lives. `refused`: our
credential (401, 402, 403). `missing`: no such model (404). `unpaid`: this model is not paid for (402), others
may be. `abandoned`: the caller left before a chunk."""

Effect = Literal["good", "bad", "refuse", "busy", "free"]
"""On a breaker; `free` only releases a probe and says nothing about the part."""

_ON_CREDENTIAL: dict[Kind, Effect] = {
    "answered": "good",
    "finished": "good",
    "rejected": "good",
    "missing": "good",
    "unpaid": "good",
    "failed": "bad",
    "refused": "refuse",
    "busy": "busy",
    "abandoned": "free",
}
_ON_ROUTE: dict[Kind, Effect] = _ON_CREDENTIAL | {
    "refused": "free",
    "missing": "free",
    "unpaid": "free",
    "busy": "free",
}

_OF_THE_MODEL: tuple[Kind, ...] = ("missing", "unpaid")
_TALLIED: tuple[Kind, ...] = ("finished", "failed", "refused", *_OF_THE_MODEL)

BIN_RATIO = 1.2
"""Times are counted in bins; each bin is longer than the one before by this factor."""


class Note(NamedTuple):
    """One request to a provider as it ended. `probes` maps parts to the token of the probe it was.

    What is not `is_counted` moves no breaker. `first_ms` is the time to the first chunk; `spoken_ms` the
    time that the `tokens` took: from then on of a stream, all of it of a plain answer.
    """

    provider: str
    credential: str
    upstream_id: str
    kind: Kind
    probes: tuple[tuple[str, str], ...] = ()
    is_counted: bool = True
    is_streamed: bool = False
    first_ms: int | None = None
    tokens: int = 0
    spoken_ms: int = 0
    retry_after_ms: int = 0
    cause: str = ""
    """Why it failed, for the operator."""


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """The effect of a note on one breaker; `probe` is the token of the probe that it ends, or ""."""

    part: str
    effect: Effect
    route: str
    probe: str = ""
    retry_after_ms: int = 0


def provider_part(provider: str) -> str:
    return f"p/{provider}"


def credential_part(provider: str, credential: str) -> str:
    return f"c/{provider}/{credential}"


def route_part(provider: str, upstream_id: str) -> str:
    return f"r/{provider}/{upstream_id}"


def events_of(note: Note) -> list[HealthEvent]:
    """Return the effects of a note on the breakers of its credential and of its route."""
    if not note.is_counted:
        return []
    probes = dict(note.probes)
    parts = (
        (credential_part(note.provider, note.credential), _ON_CREDENTIAL[note.kind]),
        (route_part(note.provider, note.upstream_id), _ON_ROUTE[note.kind]),
    )
    return [
        HealthEvent(part, effect, note.upstream_id, probes.get(part, ""), note.retry_after_ms)
        for part, effect in parts
        if note.kind != "answered" or part in probes
    ]


def tallies_of(note: Note) -> tuple[list[str], list[tuple[str, int]]]:
    """Return what a note adds to the windows: the parts, and for each of them these figures and amounts."""
    if note.kind not in _TALLIED:
        return [], []
    parts = [provider_part(note.provider)]
    if note.kind not in _OF_THE_MODEL:
        parts.append(credential_part(note.provider, note.credential))
    if note.kind != "refused":
        parts.append(route_part(note.provider, note.upstream_id))
    figures = [("ok" if note.kind == "finished" else "bad", 1)]
    if note.kind == "finished" and note.first_ms is not None:
        how = "s" if note.is_streamed else "p"
        figures.append((f"{how}{bin_of(note.first_ms)}", 1))
        if note.tokens and note.spoken_ms:
            figures += [(f"{how}t", note.tokens), (f"{how}m", note.spoken_ms)]
    return parts, figures


def bin_of(milliseconds: int) -> int:
    """Return the number of the bin that a time falls into."""
    return int(math.log(max(1, milliseconds), BIN_RATIO))


def middle_ms(number: int) -> int:
    """Return the time in the middle of a bin."""
    return round(math.pow(BIN_RATIO, number + 0.5))
