"""Tool calls as servers stream them -> ToolCallDeltas: one index and one id to each call.

OpenAI and vLLM give `index`, `id` and `name` first and then pieces of `arguments`. Ollama sends whole
calls, all of index 0 (ollama/ollama#15457) or of none (#7881); older vLLM put a new id on every piece;
others leave the ids out, write `arguments` as an object, or give every call of a tool its name for an id
(Alice AI). Read 2026-11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import JSONObject, ToolCallDelta
from infra import exact_json


@dataclass(slots=True)
class _Call:
    """One call so far. Nothing of it is passed on until its name has come."""

    index: int
    wire_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    @property
    def written(self) -> str:
        return "".join(self.arguments)


class CallReader:
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
        self._calls: list[_Call] = []
        self._by_wire_index: dict[int, _Call] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, pieces: Any) -> tuple[ToolCallDelta, ...]:
        """Read `tool_calls` of a delta or a message."""
        if pieces is None:
            return ()
        if not isinstance(pieces, list):
            self._garbled("tool calls that are no list")
        return tuple(delta for piece in pieces for delta in self._take(piece))

    def take_deprecated(self, function: Any) -> tuple[ToolCallDelta, ...]:
        """Read the deprecated `function_call`, of which an answer has one at most."""
        return () if function is None else self.take([{"index": 0, "function": function}])

    def end(self, *, is_cut: bool) -> tuple[ToolCallDelta, ...]:
        """End all calls: unless the answer was cut, one without arguments gets `{}`."""
        if any(not call.name for call in self._calls):
            self._garbled("a tool call without a name")
        if is_cut:
            return ()
        bare = [call for call in self._calls if not call.written.strip()]
        for call in bare:
            call.arguments.append("{}")
        return tuple(ToolCallDelta(call.index, arguments="{}") for call in bare)

    def _take(self, piece: Any) -> Iterator[ToolCallDelta]:
        if not isinstance(piece, dict):
            self._garbled("a tool call that is no object")
        function = piece.get("function")
        if not isinstance(function, dict | None):
            self._garbled("a tool call without a function")
        name = self._text(function, "name")
        wire_id = self._text(piece, "id")
        call = self._call_of(piece.get("index"), wire_id, name)
        arguments = self._arguments(function, call)
        call.arguments.append(arguments)
        if not call.name and name:
            call.name = name
            yield ToolCallDelta(
                index=call.index,
                id=self._unique(call.wire_id or wire_id, name),
                name=self._names.from_wire(name),
                arguments=call.written,
            )
        elif call.name and arguments:
            yield ToolCallDelta(index=call.index, arguments=arguments)

    def _call_of(self, index: Any, wire_id: str, name: str) -> _Call:
        """Find the call that a piece belongs to, or begin one."""
        if index is None:
            current = self._calls[-1] if self._calls else None
        elif type(index) is int and index >= 0:
            current = self._by_wire_index.get(index)
        else:
            self._garbled("a tool call of no index")
        if current is None or _begins_another(current, wire_id, name):
            current = _Call(len(self._calls), wire_id)
            self._calls.append(current)
        if index is not None:
            self._by_wire_index[index] = current
        return current

    def _arguments(self, function: JSONObject | None, call: _Call) -> str:
        arguments = (function or {}).get("arguments")
        if isinstance(arguments, dict):
            if call.written:
                self._garbled("arguments both in pieces and as an object")
            try:
                return exact_json.dumps(arguments).decode()
            except orjson.JSONEncodeError:
                self._garbled("arguments nested too deep")
        if not isinstance(arguments, str | None):
            self._garbled("arguments that are neither text nor object")
        return arguments or ""

    def _text(self, holder: JSONObject | None, name: str) -> str:
        value = (holder or {}).get(name)
        if not isinstance(value, str | None):
            self._garbled(f"a tool call whose {name} is no text")
        return value or ""

    def _unique(self, wire_id: str, name: str) -> str:
        is_unique = wire_id not in ("", name) and wire_id not in self._ids
        unique = wire_id if is_unique else self._mint_id()
        self._ids.add(unique)
        return unique


def _begins_another(call: _Call, wire_id: str, name: str) -> bool:
    """Tell whether a piece under the index of `call` begins another call instead of going on.

    Pieces that go on bear no name, or that of the call with its id. Where there are no ids, the
    arguments tell: nothing follows an object that is whole.
    """
    if not name or not call.name:
        return False
    if wire_id and call.wire_id:
        return wire_id != call.wire_id
    try:
        return isinstance(orjson.loads(call.written), dict)
    except orjson.JSONDecodeError:
        return False
