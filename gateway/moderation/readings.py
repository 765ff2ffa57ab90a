"""What a text may say: as it stands, and as it may be meant where letters are disguised, repeated or spaced."""

import bisect
import itertools
import operator
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import re2

from gateway.moderation.alphabet import BORDER, DISGUISED, PLAIN

JOINT_BYTES = 512
BLOCK_BYTES = 1 << 9

_LETTER = rb"[A-Za-z\xa8\xb8\xc0-\xff]"
_SMALL = (*range(ord("a"), ord("z") + 1), *range(0xE0, 0x100))
_OFTEN_REPEATED = b"fiwx"  # fff, III, www, xxx
_MARKS = {
    "disguised": (
        rb"[A-Za-z][\xa8\xb8\xc0-\xff]|[\xa8\xb8\xc0-\xff][A-Za-z]"
        rb"|%b[0-9@$!|+\x88]{1,2}%b|\b[0346]%b{3}" % (_LETTER, _LETTER, _LETTER)
    ),
    "repeated": b"|".join(
        rb"[\x%x\x%x]{3}" % (code - 32, code) for code in _SMALL if code not in _OFTEN_REPEATED
    ),
    "spaced": rb"[^\w\x80-\xff](?:[\w\x80-\xff][^\w\x80-\xff]){3}",
}
_latin1 = re2.Options()
_latin1.encoding = re2.Options.Encoding.LATIN1
_marks = re2.Set.SearchSet(_latin1)
for _mark in _MARKS.values():
    _marks.Add(_mark)
_marks.Compile()
_DISGUISED, _REPEATED, _SPACED = range(3)
_spaced_word = re.compile(
    rb"(?<![\w\x80-\xff])[\w\x80-\xff]([^\w\x80-\xff])[\w\x80-\xff](?:\1[\w\x80-\xff])*(?![\w\x80-\xff])"
)


class ReadText(NamedTuple):
    """A text as it is read, between spaces; `places` has the place of each letter, if not all are left."""

    text: bytes
    places: Sequence[int] | None = None

    def place(self, index: int) -> int:
        index = max(0, index - 1)  # a space is before the reading
        return self.places[index] if self.places else index


class Joints:
    """Texts joined without a space, each no longer than may matter beside its neighbours."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        text = bytearray()
        self._starts: list[int] = []
        self._places: list[int] = []
        place = 0
        for part in parts:
            head, tail = part, b""
            if len(part) > 2 * JOINT_BYTES:
                head, tail = part[:JOINT_BYTES] + b" %b " % BORDER, part[-JOINT_BYTES:]
            for piece, piece_place in ((head, place), (tail, place + len(part) - len(tail))):
                self._starts.append(len(text))
                self._places.append(piece_place)
                text += piece
            place += len(part)
        self.text = bytes(text)

    def place(self, index: int) -> int:
        """Return where a letter of `text` stands in all of the parts."""
        number = bisect.bisect_right(self._starts, index) - 1
        return self._places[number] + index - self._starts[number]


class LetterPlaces:
    """Where each letter of a text stands, if they are numbered without the spaces."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        sizes = (
            BLOCK_BYTES - text.count(b" ", start, start + BLOCK_BYTES)
            for start in range(0, len(text), BLOCK_BYTES)
        )
        self._before = [0, *itertools.accumulate(sizes)]

    def __getitem__(self, number: int) -> int:
        block = bisect.bisect_right(self._before, number) - 1
        start = block * BLOCK_BYTES
        without_spaces = place = start + number - self._before[block]
        while place != (further := without_spaces + self._text.count(b" ", start, place + 1)):
            place = further
        return place


def readings_of(text: bytes) -> Iterator[ReadText]:
    """Return what a text of `letters` says, and where it is disguised what it may mean."""
    yield ReadText(b" %b " % PLAIN.of(text))
    marks = set(_marks.Match(text) or ())
    if not marks:
        return
    places: Sequence[int] | None = None
    if _SPACED in marks:
        places = _places_joined(text)
        text = bytes(map(text.__getitem__, places))
        marks.update(_marks.Match(text) or ())
    if _REPEATED in marks:
        differs = list(map(operator.ne, PLAIN.of(text), b"\0" + PLAIN.of(text)))
        places = list(itertools.compress(places or range(len(text)), differs))
        text = bytes(itertools.compress(text, differs))
    if places is not None:
        yield ReadText(b" %b " % PLAIN.of(text), places)
    if _DISGUISED in marks:
        for alphabet in DISGUISED:
            yield ReadText(b" %b " % alphabet.of(text), places)


def _places_joined(text: bytes) -> list[int]:
    """Return the places of a text without what stands between the letters of words that are s p a c e d."""
    places: list[int] = []
    end = 0
    for word in _spaced_word.finditer(text):
        places += range(end, word.start())
        places += range(word.start(), word.end(), 2)
        end = word.end()
    return [*places, *range(end, len(text))]
