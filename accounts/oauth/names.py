"""Names that applications may not have: people would take them for ours."""

import unicodedata

RESERVED = ("xrouter", "хроутер", "иксроутер")

# Letters of other scripts, and digits, that are read as those of our name.
_LOOK_ALIKES = {
    "x": "хχⅹ×✕✖╳⨉ⲭᕁ᙭ӽҳӿ",
    "r": "гᴦⲅꭇꭈяʀ",
    "o": "оοσ0օө○◯ⲟߋ٥",
    "u": "υսцʋᴜ",
    "t": "тτⲧᴛ7†",
    "e": "еєεҽ℮эᴇ3",
}
_READ_AS = {ord(alike): letter for letter, alikes in _LOOK_ALIKES.items() for alike in alikes}


class ReservedName(ValueError):
    """An application may not bear this name."""

    def __init__(self) -> None:
        super().__init__("An application may not call itself XRouter.")


def check(name: str) -> None:
    """Raise ReservedName where a name contains ours, however it is spelt."""
    letters = _letters(name)
    readings = (letters, letters.translate(_READ_AS))
    if any(reserved in reading for reserved in RESERVED for reading in readings):
        raise ReservedName


def _letters(name: str) -> str:
    """Return the letters and digits alone: no case, no accents, no spaces, no invisible characters."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(each for each in plain if each.isalnum() or ord(each) in _READ_AS)
