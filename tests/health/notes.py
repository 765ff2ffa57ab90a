"""Notes for tests: what came of one request."""

from typing import Any

from gateway.health.events import Kind, Note

GIGACHAT, PRO, LITE = "gigachat", "GigaChat-2-Pro", "GigaChat-2"
ROUTE = f"r/{GIGACHAT}/{PRO}"
CREDENTIAL = f"c/{GIGACHAT}/one"
Probes = tuple[tuple[str, str], ...]


def note(kind: Kind = "finished", upstream_id: str = PRO, **details: Any) -> Note:
    """Return a note of one route of GigaChat, asked with the credential `one`."""
    return Note(
        **{"provider": GIGACHAT, "credential": "one"} | details, upstream_id=upstream_id, kind=kind
    )
