"""Function calls of GigaChat's second chat form, gathered over an answer -> ToolCallDeltas.

As a rule they come whole with the last event. Clients of the vendor also take them from deltas, their
arguments at once as an object or as text in pieces, and a repetition in the last event: a call is taken once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import JSONObject, ToolCallDelta
from gateway.providers.gigachat.v2_call_ids import CallReference, write_call_id
from infra import exact_json


@dataclass(slots=True)
class _GatheredCall:
    """One call so far; `arguments` is JSON text."""

    wire_id: str | None
    name: str
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        try:
            orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return False
        return True


class V2CallReader:
    """Reads the calls of one answer. `garbled` raises ProviderProtocolError with the text it is given."""

    def __init__(
        self,
        *,
        names: ToolNames,
        mint_id: Callable[[], str],
        garbled: Callable[[str], NoReturn],
    ) -> None:
        self._names = names
        self._mint_id = mint_id
        self._garbled = garbled
        self._calls: list[_GatheredCall] = []
        self._state_id: str | None = None

    def take(self, message: JSONObject, parts: Sequence[JSONObject]) -> None:
        """Keep the calls of a message, and the state of its turn. They stand in parts, or beside them."""
        state_id = message.get("tool_state_id") or message.get("tools_state_id")
        if isinstance(state_id, str):
            self._state_id = state_id
        found = [part["function_call"] for part in parts if part.get("function_call") is not None]
        if message.get("function_call") is not None:
            found.append(message["function_call"])
        known = list(self._calls)
        for piece in found:
            self._take(piece, known)

    def end(self) -> tuple[ToolCallDelta, ...]:
        """Return all calls; arguments that are no object are passed on as text, for others to judge."""
        if any(not call.name for call in self._calls):
            self._garbled("a function call without a name")
        for index, call in enumerate(self._calls):
            if call.wire_id in [other.wire_id for other in self._calls[:index]]:
                call.wire_id = None
        return tuple(
            ToolCallDelta(
                index=index,
                id=write_call_id(CallReference(call.wire_id, self._state_id), self._mint_id()),
                name=self._names.from_wire(call.name),
                arguments=call.arguments or "{}",
            )
            for index, call in enumerate(self._calls)
        )

    def _take(self, piece: Any, known: list[_GatheredCall]) -> None:
        """Begin a call, go on with one of those `known` before this message, or find it repeated."""
        if not isinstance(piece, dict):
            self._garbled("a function call that is no object")
        wire_id, name = self._text(piece, "id") or None, self._text(piece, "name")
        arguments = piece.get("arguments")
        is_piece = isinstance(arguments, str)
        written = arguments if isinstance(arguments, str) else self._written(arguments)
        call = self._found(wire_id, name, written, known)
        if call is None:
            self._calls.append(_GatheredCall(wire_id, name, written))
            return
        known[:] = [other for other in known if other is not call]
        call.name = call.name or name
        call.wire_id = call.wire_id or wire_id
        if not is_piece:
            call.arguments = written
        elif not call.is_whole:
            call.arguments += written
        if is_piece:
            known.append(call)

    def _found(
        self, wire_id: str | None, name: str, written: str, known: Sequence[_GatheredCall]
    ) -> _GatheredCall | None:
        """Return the call that a piece belongs to: by its id; without one, as the same or the one begun."""
        if wire_id is not None:
            return next((call for call in known if call.wire_id == wire_id), None)
        for call in known:
            if call.name == name and call.arguments == written:
                return call
        if known and not known[-1].is_whole and name in ("", known[-1].name):
            return known[-1]
        return None

    def _written(self, arguments: Any) -> str:
        try:
            return exact_json.dumps({} if arguments is None else arguments).decode()
        except orjson.JSONEncodeError:
            self._garbled("arguments nested too deep")

    def _text(self, piece: JSONObject, name: str) -> str:
        value = piece.get(name)
        if not isinstance(value, str | None):
            self._garbled(f"a function call whose {name} is no text")
        return value or ""
