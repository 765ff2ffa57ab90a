"""Lines of an event stream -> the JSON of its events.

Comments, `id:` and `retry:` are passed over, and a byte order mark before the first line. An event is
complete as soon as its data parses, since some servers end it with one line end instead of two; data over
several lines waits for the blank one. Source: html.spec.whatwg.org, server-sent-events; read 2026-11.
"""

import codecs
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers._shared.answer_json import AnswerJSON


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; `value` is its parsed data, whatever that is, `name` what stood before it as `event:`."""

    value: Any
    name: str = ""


DONE = ServerSentEvent("[DONE]")
"""The mark that follows the last event."""


class EventLines:
    """Gathers the lines of one stream, given without their ends."""

    def __init__(self) -> None:
        self._has_line = False
        self._begun: list[bytes] = []
        self._name = ""
        self._json = AnswerJSON()

    def take(self, line: bytes) -> ServerSentEvent | None:
        """Take the next line; return the event it completes. Raises ValueError on what is no JSON."""
        if not line:
            event = self.end()
            self._name = ""
            return event
        field, _, value = line.partition(b":")
        if not self._has_line:
            self._has_line = True
            field = field.removeprefix(codecs.BOM_UTF8)
        if field != b"data":
            if field == b"event":
                self._name = value.strip().decode("utf-8", "replace")
            return None
        if not self._begun:
            if value.strip() == b"[DONE]":
                return DONE
            try:
                return self._named(self._json.read(value))
            except orjson.JSONDecodeError:
                pass
        self._begun.append(value.removeprefix(b" "))
        return None

    def end(self) -> ServerSentEvent | None:
        """End the event that was begun. Raises ValueError if it is no JSON."""
        data = b"\n".join(self._begun).strip()
        self._begun.clear()
        return self._named(self._json.read(data)) if data else None

    def _named(self, value: Any) -> ServerSentEvent:
        name, self._name = self._name, ""
        return ServerSentEvent(value, name)
