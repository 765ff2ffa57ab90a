"""The other ways to write a Russian word: in Latin letters by its sound, or by their looks alone."""

import itertools
import re

from gateway.moderation.alphabet import LOOKS_CYRILLIC

LEAST_LETTERS_ONCE = 5
MOST_SPELLINGS = 16

_SOUNDS = {
    **dict(zip("абгдезиклмнопрст", ("abgdeziklmnoprst"), strict=True)),
    **{"в": "v w", "ж": "zh j", "у": "u", "ф": "f", "х": "h kh x", "ц": "ts c", "ч": "ch"},
    **{"ш": "sh", "щ": "sch shch sh", "ъ": "-", "ы": "y i", "ь": "-", "э": "e", "ю": "yu ju u"},
    **{"я": "ya ja ia"},
}
_VOWELS = "аеиоуыэюя"  # after one of them a folded и was й
_LOOKS = {
    cyrillic: latin for latin, cyrillic in LOOKS_CYRILLIC.items() if latin in "abcehkmoptxynur"
}
_REPEATED = re.compile(r"(.)\1+")


def spellings(word: str) -> list[str]:
    """Return a folded word, its Latin spellings if it is Russian, and all of them without double letters."""
    found = _latin_spellings(word)
    once = (_REPEATED.sub(r"\1", spelling) for spelling in found)
    found += [spelling for spelling in once if len(spelling) >= LEAST_LETTERS_ONCE]
    return list(dict.fromkeys(found))


def _latin_spellings(word: str) -> list[str]:
    if not all(letter in _SOUNDS for letter in word):
        return [word]
    choices = [
        ("y i j" if letter == "и" and before in _VOWELS else _SOUNDS[letter]).split()
        for before, letter in zip(" " + word, word, strict=False)
    ]
    latin = itertools.islice(itertools.product(*choices), MOST_SPELLINGS)
    found = [word, *("".join(each).replace("-", "") for each in latin)]
    if all(letter in _LOOKS for letter in word):
        found.append("".join(_LOOKS[letter] for letter in word))
    return found
