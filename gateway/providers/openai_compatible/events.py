"""Lines of an event stream -> the JSON of its events.

Comments, `event:`, `id:` and `retry:` say nothing here. An event is passed on as soon as its data is
whole, for some servers end it with one line end instead of two; data over several lines waits for the
blank one. Source: html.spec.whatwg.org, server-sent-events; read 2026-11.
"""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `value` is its parsed data, whatever that is."""

    value: Any


DONE = Event("[DONE]")
"""The mark behind the last event."""


class EventLines:
    """Gathers the lines of one stream, given without their ends."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def take(self, line: bytes) -> Event | None:
        """Take the next line; give the event that is whole with it. Raises ValueError: no JSON."""
        if not line:
            return self.end()
        field, _, value = line.partition(b":")
        if field != b"data":
            return None
        if not self._begun:
            if value.strip() == b"[DONE]":
                return DONE
            try:
                return Event(orjson.loads(value))
            except orjson.JSONDecodeError:
                pass
        self._begun.append(value.removeprefix(b" "))
        return None

    def end(self) -> Event | None:
        """Take note of a blank line or the end. Raises ValueError if what was begun is no JSON."""
        data = b"\n".join(self._begun).strip()
        self._begun.clear()
        return Event(orjson.loads(data)) if data else None
