"""SQLite's LIKE in any alphabet: its own takes capital letters for small ones in ASCII alone.

So that a search finds in Russian what it finds on PostgreSQL.
"""

import functools
import re
from typing import Any

_WILD = {"%": ".*", "_": "."}


def install(connection: Any, **_: Any) -> None:
    """Give a new connection this LIKE, where it is to SQLite; a receiver of `connection_created`."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("like", 3, _like, deterministic=True)


def _like(pattern: object, text: object, escape: str) -> bool | None:
    """Say what `text LIKE pattern ESCAPE escape` does, as Django writes every search."""
    if pattern is None or text is None:
        return None
    return _compiled(str(pattern), escape).fullmatch(str(text)) is not None


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    pieces = re.findall(f"{re.escape(escape)}.|.", pattern, re.DOTALL)
    return re.compile(
        "".join(_WILD.get(piece) or re.escape(piece.removeprefix(escape)) for piece in pieces),
        re.IGNORECASE | re.DOTALL,
    )
