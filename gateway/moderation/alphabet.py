"""Texts in one byte a letter, where folding and searching are cheap: cp1251, and marks that nobody sees.

A reading of such a text is what somebody may have meant: small letters, and spaces for punctuation; where
letters are disguised, each one of another script, and each digit, is the letter that it looks or sounds like.
"""

import codecs
import re
import unicodedata

BORDER = b"\x06"
"""Stands between texts that have nothing to do with each other; no text contains it."""

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_DECODING = "".join(
    (
        "\0",
        _INVISIBLE,  # in the places of control characters
        "\ufffe",  # the border, which no character means
        bytes(range(7, 256)).decode("cp1251", "replace").replace("\ufffd", "\ufffe"),
    )
)
_ENCODING = codecs.charmap_build(_DECODING)
_CHUNK_CHARACTERS = 64
_MOST_REMEMBERED = 20_000

_KEPT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789абвгдежзиклмнопрстуфхцчшщъыьэюя")
_SILENT = "\xad'`’‘" + _INVISIBLE
_FILLERS = "\u115f\u1160\u3164"  # blank, though letters by their class
_TAGS = range(0xE0020, 0xE007F)  # ASCII that nobody sees, and a model may read
_NAMED_LETTER = re.compile(
    r"(?:LATIN|NEGATIVE \w+ LATIN|REGIONAL INDICATOR SYMBOL) (?:LETTER )?(?:CAPITAL |SMALL )*"
    r"(?:LETTER )?(?:CAPITAL )?([A-Z])(?: WITH .*)?"
)


def _pairs(text: str) -> dict[str, str]:
    return {pair[0]: pair[1:] for pair in text.split()}


_LIKE_LATIN = _pairs(
    "αa βb γy δd εe ζz ηn θo ιi κk λl μm νv ξx οo πn ρp σc ςc τt υu φf χx ψy ωw ɑa ıi ԁd һh ցg հh ѵv ԛq ԝw өo"
)
_PLAIN = _pairs("ёе йи ії їи єе ґг ўу јj ѕs") | {"і": "и"}
_DIGITS = _pairs("0о 1и 3з 4ч 5с 6б 7т 8в 9я @а $с !и |и +т €е")
_LATIN_DIGITS = _pairs("0o 1i 3e 4a 5s 6b 7t 8b 9g @a $s !i |i +t €e")

LOOKS_CYRILLIC = _pairs(
    "aа bв cс dд eе fф gг hн iи jи kк lл mм nп oо pр qг rг sс tт uи vв wш xх yу zз"
)
_SOUNDS_CYRILLIC = LOOKS_CYRILLIC | _pairs("bб cк hх nн pп rр uу yы")
_LOOKS_LATIN = _pairs(
    "аa бb вb гr дd еe зz иu кk лl мm нh оo пn рp сc тt уy фf хx цu шw щw ъb ыi ьb эe юu яr"
)
_SOUNDS_LATIN = _LOOKS_LATIN | _pairs("вv гg иi нn пp рr сs уu хh цc ыy чc шs")


class _Rest(dict[int, str]):
    """What the letters outside of the alphabet stand for, as `str.translate` asks; computed once each."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        meaning = self[code] = _meaning(chr(code))
        return meaning


_rest = _Rest()


def _meaning(character: str) -> str:
    """Return the letters of the alphabet that a character stands for; a space for none, "" for a silent one."""
    if character in _DECODING:
        return character
    if ord(character) in _TAGS:
        return " " + chr(ord(character) - 0xE0000)
    plain = unicodedata.normalize("NFKD", character).lower()
    if plain != character:
        return "".join(map(_meaning, plain))
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or character in _FILLERS:
        return ""
    if character in _LIKE_LATIN:
        return _LIKE_LATIN[character]
    name = unicodedata.name(character, "")
    if letter := _NAMED_LETTER.fullmatch(name):
        return letter[1].lower()
    if name.startswith("CYRILLIC") and " WITH " in name:
        return _meaning(unicodedata.lookup(name.partition(" WITH ")[0]))
    return " "


def _fold_rest(error: UnicodeError) -> tuple[bytes, int]:
    """Encode a run of characters outside of the alphabet, and some after it: where one is, more are."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    end = min(max(error.end, error.start + _CHUNK_CHARACTERS), len(error.object))
    folded = error.object[error.start : end].translate(_rest)
    return codecs.charmap_encode(folded, "replace", _ENCODING)[0], end


codecs.register_error("xrouter.moderation", _fold_rest)


_SILENT_BYTES = codecs.charmap_encode(_SILENT, "strict", _ENCODING)[0]


def letters(text: str) -> bytes:
    """Return the text in one byte a letter, without what is not seen; of parts, the parts of that."""
    encoded: bytes = codecs.charmap_encode(text, "xrouter.moderation", _ENCODING)[0]
    return encoded.translate(None, _SILENT_BYTES)


class Reading:
    """A way to read a text in `letters`: which of them is which."""

    def __init__(self, *meanings: dict[str, str]) -> None:
        """A letter that several of the `meanings` name has the last one's."""
        self._meanings: dict[str, str] = {}
        for meaning in (_PLAIN, *meanings):
            self._meanings |= meaning
        self._table = bytes(map(self._byte, _DECODING))

    def of(self, letters: bytes) -> bytes:
        """Return the text so read, as long, in small letters of cp1251, digits and spaces."""
        return letters.translate(self._table)

    def _byte(self, character: str) -> int:
        if character == "\ufffe":
            return BORDER[0]
        letter = character.lower()
        for _ in range(2):  # a letter may stand for one that looks like a third
            letter = self._meanings.get(letter, letter)
        return letter.encode("cp1251")[0] if letter in _KEPT else ord(" ")


PLAIN = Reading()
DISGUISED = (
    Reading(LOOKS_CYRILLIC, _DIGITS),
    Reading(_SOUNDS_CYRILLIC, _DIGITS, _pairs("3е 4а 9д")),
    Reading(_LOOKS_LATIN, _LATIN_DIGITS),
    Reading(_SOUNDS_LATIN, _LATIN_DIGITS, _pairs("1l !l |l")),
)
"""What a text with letters of two scripts in a word, or with digits in it, may mean."""


def fold(text: str) -> str:
    """Return the plain reading of a text as text."""
    return PLAIN.of(letters(text)).decode("cp1251")
