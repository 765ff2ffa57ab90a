"""Marker words by which a user asks the sandbox to misbehave.

They are written `sandbox:NAME` or `sandbox:NAME=VALUE`, count in the last user
message, are the same for all vendors, and are never quoted back.

==========================  ====================================================================
`sandbox:slow=2.5`          that many seconds of silence before the first event or the answer
`sandbox:pause=2`           that many seconds of silence in the middle of a stream
`sandbox:interval=0.05`     seconds between the events of a stream (0.01 otherwise)
`sandbox:cut`               the stream ends without its finish mark
`sandbox:reset`             the connection is reset before anything was sent
`sandbox:error=500`         an HTTP error of that status
`sandbox:429`               short for `sandbox:error=429`; any status works
`sandbox:garbage`           HTTP 200 with a page; `=bad_json`, `=wrong_types`, `=null_choices`,
                            `=long_line` and `=invalid_utf8` for other malformed bytes
`sandbox:filter`            the vendor's content filter
`sandbox:empty`             an empty answer
`sandbox:long=300`          a text of that many tokens; `=300!` disregards the token limit
`sandbox:revise`            Yandex streams an earlier word wrong at first; `=last` the latest one
`sandbox:unruly=HOW`        a JSON answer or tool call as models spoil it: in `fences`, with `prose`
                            around, with a `wrong_name`, with a required field `missing`,
                            `truncated`, or as an `error` of the model
`sandbox:repeat`            the answer must be asked for twice: a required field is missing
==========================  ====================================================================

`unruly` and `repeat` spoil one answer: the next turn of the same chat, in which the model is told
of its error, is answered well. `sandbox:unruly=fences!` never learns.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import get_args

from sandbox.core.conversation import Conversation
from sandbox.core.faults import Fault, cut, garbage, http_error, pace, reset, silence
from sandbox.core.malformed import GarbageKind

_MARKER = re.compile(r" ?sandbox:(?P<name>[a-z]+|\d{3})(?:=(?P<value>\w+(?:\.\w+)*!?))?")
_STATUSES = frozenset(status.value for status in HTTPStatus if status >= 400)
_GARBAGE: tuple[GarbageKind, ...] = get_args(GarbageKind)
# Anyone may use the markers: none of them may exhaust the process.
_MOST_TOKENS = 100_000
_LONGEST_WAIT_S = 3600.0
_SPOILERS = ("fences", "prose", "wrong_name", "missing", "truncated", "error")


@dataclass(frozen=True, slots=True)
class Markers:
    """The marker words of a conversation; a name maps to its value, "" where it has none."""

    values: dict[str, str]
    unruly: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def long_tokens(self) -> int | None:
        """Return the length asked for, if any."""
        value = self.values.get("long", "").removesuffix("!")
        return min(int(value), _MOST_TOKENS) if re.fullmatch(r"\d{1,9}", value) else None

    @property
    def disregards_limit(self) -> bool:
        """Return whether the token limit is to be passed over."""
        return self.values.get("long", "").endswith("!")

    def faults(self) -> list[Fault]:
        """Return the faults of the wire that the markers ask for, in the order to apply them."""
        faults = []
        if (interval_s := self._seconds("interval")) is not None:
            faults.append(pace(interval_s))
        if (slow_s := self._seconds("slow")) is not None:
            faults.append(silence(slow_s))
        if (pause_s := self._seconds("pause")) is not None:
            faults.append(silence(pause_s, "mid_stream"))
        if "garbage" in self.values:
            kinds = [kind for kind in _GARBAGE if kind == self.values["garbage"]]
            faults.append(garbage(kinds[0] if kinds else "html"))
        if "cut" in self.values:
            faults.append(cut())
        if "reset" in self.values:
            faults.append(reset())
        named = [self.values.get("error", ""), *self.values]
        statuses = [int(name) for name in named if name.isdecimal()]
        faults += [http_error(status) for status in statuses if status in _STATUSES]
        return faults

    def _seconds(self, name: str) -> float | None:
        try:
            return min(max(0.0, float(self.values[name])), _LONGEST_WAIT_S)
        except (KeyError, ValueError):
            return None


def read_markers(conversation: Conversation) -> Markers:
    """Return the markers that hold for the next reply of a conversation."""
    values = _values(conversation.user_text)
    return Markers(values, _spoiler(conversation))


def without_markers(text: str) -> str:
    """Return a text as a model should read it."""
    return _MARKER.sub("", text).strip()


def _values(text: str) -> dict[str, str]:
    return {found["name"]: found["value"] or "" for found in _MARKER.finditer(text)}


def _spoiler(conversation: Conversation) -> str | None:
    """Return how the reply is to be spoilt: asked for just now, or earlier with a `!`."""
    for turn in (turn for turn in reversed(conversation.turns) if turn.speaker == "user"):
        values = _values(turn.text)
        how = "missing" if "repeat" in values else values.get("unruly", "")
        if how.removesuffix("!") in _SPOILERS:
            is_last = turn is conversation.turns[-1]
            return how.removesuffix("!") if is_last or how.endswith("!") else None
    return None
