"""Separate the tool calls in a model's text from its words, while the text is still streaming. Pure.

A call stands between tags, or is bare JSON at the beginning of a line, in a code fence or not, that names
an offered tool: models leak even native calls in that form. Only what may still turn out to be a call is
held back. How the text is cut into chunks makes no difference.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

OPENING = "<tool_call>"
CLOSING = "</tool_call>"

NAME_KEYS = ("name", "tool", "tool_name", "function_name")
ARGUMENT_KEYS = ("arguments", "args", "parameters", "params", "input")
WRAPPING_KEYS = ("tool_calls", "tool_call", "function_call", "function")

MOST_BLANKS = 256
"""How many blanks are held back in case a call follows them, before which they are dropped."""

_WORDS = re.compile(r"[^<`{\[]*[^\s<`{\[]")
_FENCE = re.compile(r"```[\w-]{0,32}\s{0,64}")
_FIRST_KEY = re.compile(r'[\[\s]*\{\s*"([^"\\]*)"\s*:\s*')
_FIRST_KEY_BEGUN = re.compile(r'[\[\s]*(?:\{\s*(?:"[^"\\]*(?:"\s*)?)?)?')
_NAME = re.compile(r'"([^"\\]*)"')
_NAME_BEGUN = re.compile(r'(?:"[^"\\]*)?')
_STRUCTURE = re.compile(r'[{}\[\]"]')
_IN_STRING = re.compile(r'["\\]')
_NAME_IN_RAW = re.compile(rf"""["'](?:{"|".join(NAME_KEYS)})["']\s*:\s*["']([^"'\\]+)["']""")
_ARGUMENTS_IN_RAW = re.compile(rf"""["'](?:{"|".join(ARGUMENT_KEYS)})["']\s*:\s*""")
_QUOTES = ("'", '"', "`", "«")
_KEYS = frozenset((*NAME_KEYS, *ARGUMENT_KEYS, *WRAPPING_KEYS, "id", "type"))


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as a model wrote it. `arguments` is their text, which may be no JSON object if it is malformed.

    `name` is "" where it cannot be read.
    """

    name: str
    arguments: str


Decision = tuple[int, list[WrittenCall]] | None
"""How many characters are decided, and the calls in them; None where more text is needed."""


class CallScanner:
    """Takes a text in pieces; `calls` are those found so far, in order."""

    def __init__(self, offered: Collection[str]) -> None:
        self._offered = frozenset(offered)
        self._held = ""
        self._is_line_start = True
        self._is_quoted = False
        self._extent = _Extent()
        self.calls: list[WrittenCall] = []

    def feed(self, text: str) -> str:
        """Take the next piece and return what is now known to be words."""
        self._held += text
        words = []
        while self._held:
            step = self._step()
            if step is None:
                break
            words.append(step)
        return "".join(words)

    def finish(self, *, is_cut: bool) -> str:
        """Take the end of the text and return the last words.

        A call that was begun is malformed; with `is_cut` it is dropped, for the model is not to blame.
        """
        rest, self._held = self._held, ""
        begun = self._begun_call(rest.lstrip())
        if begun is None:
            return "" if self.calls else rest
        whole = read_calls(begun[: self._extent.at]) if self._extent.has_ended else []
        if whole or not is_cut:
            self.calls += whole or [malformed_call(begun)]
        return ""

    def _step(self) -> str | None:
        """Remove what is decided from the beginning of the held text, and return its words."""
        words = _WORDS.match(self._held)
        if words is not None:
            return self._leave(words.end())
        rest = self._held.lstrip()
        blanks = len(self._held) - len(rest)
        if blanks > MOST_BLANKS:
            return self._leave(MOST_BLANKS)
        if not rest:
            return None
        is_line_start = self._is_line_start or "\n" in self._held[:blanks]
        is_quoted = self._is_quoted and not blanks
        decision = self._decide(rest, is_line_start=is_line_start, is_quoted=is_quoted)
        if decision is None:
            return None
        self._extent = _Extent()
        size, calls = decision
        if not calls:
            return self._leave(blanks + size)
        self.calls += calls
        self._held = rest[size:]
        self._is_line_start = True
        return ""

    def _leave(self, size: int) -> str:
        """Release `size` characters as words; after a call they are dropped as chatter."""
        words, self._held = self._held[:size], self._held[size:]
        last_line = words.rpartition("\n")[2]
        self._is_quoted = words.endswith(_QUOTES)
        self._is_line_start = not last_line.strip() and ("\n" in words or self._is_line_start)
        return "" if self.calls else words

    def _decide(self, text: str, *, is_line_start: bool, is_quoted: bool) -> Decision:
        """Decide on a text whose first character may begin a call."""
        if text[0] == "<":
            return self._tagged(text, is_quoted=is_quoted)
        if not is_line_start:
            return 1, []
        if text[0] != "`":
            return self._bare(text)
        fence = _FENCE.match(text)
        if fence is None:
            return None if "```".startswith(text) else (1, [])
        body = text[fence.end() :]
        if not body:
            return None
        inside: Decision = (0, [])
        if body[0] == "<":
            inside = self._tagged(body, is_quoted=False)
        elif body[0] in "{[":
            inside = self._bare(body)
        return inside and (fence.end() + inside[0], inside[1])

    def _tagged(self, text: str, *, is_quoted: bool) -> Decision:
        """Decide on a tag; one in quotes, with no call behind it, is a word about tags."""
        if not text.startswith(OPENING):
            return None if OPENING.startswith(text) else (1, [])
        body = text[len(OPENING) :].lstrip()
        before = len(text) - len(body)
        if not body:
            return None
        if body[0] not in "{[":
            if is_quoted:
                return len(OPENING), []
            inside, closing, _ = body.partition(CLOSING)
            size = before + len(inside) + len(closing)
            return (size, [malformed_call(inside)]) if closing else None
        end = self._extent.end_of(body)
        if end is None:
            return None
        behind = body[end:].lstrip()
        if CLOSING.startswith(behind) and behind != CLOSING:
            return None
        if behind.startswith(CLOSING):
            end = len(body) - len(behind) + len(CLOSING)
        inside = body[: self._extent.at]
        calls = read_calls(inside) or [malformed_call(inside)]
        if is_quoted and not calls[0].name:
            return len(OPENING), []
        return before + end, calls

    def _bare(self, text: str) -> Decision:
        beginning = self._beginning(text)
        if beginning != "a call":
            return None if beginning == "open" else (1, [])
        end = self._extent.end_of(text)
        return None if end is None else (end, read_calls(text[:end], self._offered))

    def _beginning(self, text: str) -> Literal["a call", "no call", "open"]:
        """Classify a bare JSON text by its first key."""
        key = _FIRST_KEY.match(text)
        if key is None:
            return "open" if _FIRST_KEY_BEGUN.fullmatch(text) else "no call"
        if key.group(1) not in _KEYS:
            return "no call"
        if key.group(1) not in NAME_KEYS:
            return "a call"
        name = _NAME.match(text, key.end())
        if name is None:
            return "open" if _NAME_BEGUN.fullmatch(text, key.end()) else "no call"
        return "a call" if name.group(1) in self._offered else "no call"

    def _begun_call(self, text: str) -> str | None:
        """Return the call at the beginning of a text that ended undecided, if there is one."""
        fence = _FENCE.match(text)
        body = text[fence.end() :] if fence else text
        if body.startswith(OPENING):
            return body[len(OPENING) :].lstrip()
        is_call = self._beginning(body) == "a call" and malformed_call(body).name in self._offered
        return body if is_call else None


def read_calls(text: str, offered: Collection[str] | None = None) -> list[WrittenCall]:
    """Return the calls in a JSON text; none unless it is all calls, and all of `offered` tools if given."""
    try:
        # Not strict: models leave line breaks in their strings.
        value = json.JSONDecoder(strict=False).decode(text.strip())
        calls = list(_calls_in(value, may_be_flat=offered is None))
    except (ValueError, RecursionError):
        return []
    if offered is not None and any(call.name not in offered for call in calls):
        return []
    return calls


def malformed_call(text: str) -> WrittenCall:
    """Return what can be told of a malformed call: its arguments, or all of it where they cannot be told."""
    name = _NAME_IN_RAW.search(text)
    if name is None:
        return WrittenCall("", text.strip())
    begun = _ARGUMENTS_IN_RAW.search(text, name.end())
    arguments = text[begun.end() :] if begun else ""
    end = _Extent().end_of(arguments) if arguments.startswith("{") else None
    if not arguments or (end and _NAME_IN_RAW.search(arguments, end)):
        return WrittenCall(name.group(1), text.strip())
    return WrittenCall(name.group(1), arguments[:end].strip())


def _calls_in(value: Any, *, may_be_flat: bool) -> Iterator[WrittenCall]:
    """Yield the calls in a value. Raises ValueError if there is anything else in it.

    In a flat call the arguments stand beside the name.
    """
    if isinstance(value, list) and value:
        for item in value:
            yield from _calls_in(item, may_be_flat=may_be_flat)
        return
    if not isinstance(value, dict):
        raise ValueError("no call")
    wrapped = next(
        (value[key] for key in WRAPPING_KEYS if isinstance(value.get(key), dict | list)), None
    )
    if wrapped is not None:
        yield from _calls_in(wrapped, may_be_flat=may_be_flat)
        return
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    given = [value[key] for key in ARGUMENT_KEYS if key in value]
    beside = {key: part for key, part in value.items() if key not in _KEYS}
    arguments: Any = next(filter(None, given), {}) if given else beside
    is_flat = bool(arguments) and not given
    if name is None or not isinstance(arguments, dict | str) or (is_flat and not may_be_flat):
        raise ValueError("no call")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    yield WrittenCall(_whole_characters(name), _whole_characters(text))


def _whole_characters(text: str) -> str:
    """Return a text with U+FFFD for half a surrogate pair, which no JSON can be written with."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Extent:
    """Finds the end of a JSON text that comes in pieces; `at` is how far it has been read."""

    __slots__ = ("_depth", "_is_string", "at", "has_ended")

    def __init__(self) -> None:
        self.at = 0
        self.has_ended = False
        self._depth = 0
        self._is_string = False

    def end_of(self, text: str) -> int | None:
        """Read on in `text`, which has grown since; return where its JSON ends, or None so far."""
        while not self.has_ended:
            mark = (_IN_STRING if self._is_string else _STRUCTURE).search(text, self.at)
            if mark is None:
                self.at = len(text)
                return None
            if mark.group() == "\\":
                if mark.end() == len(text):
                    self.at = mark.start()
                    return None
                self.at = mark.end() + 1
                continue
            self.at = mark.end()
            if mark.group() == '"':
                self._is_string = not self._is_string
                continue
            self._depth += 1 if mark.group() in "{[" else -1
            self.has_ended = self._depth == 0
        return self.at
