"""What a text says that can be put into arguments: numbers, places, names, quotations."""

import re
from collections.abc import Iterable
from typing import Any

# Cities by the stem they keep in every case, so that "в Москве" gives "Москва".
_CITIES = {
    "москв": "Москва", "санкт-петербург": "Санкт-Петербург", "петербург": "Санкт-Петербург",
    "казан": "Казань", "новосибирск": "Новосибирск", "екатеринбург": "Екатеринбург",
    "томск": "Томск", "омск": "Омск", "самар": "Самара", "уф": "Уфа", "перм": "Пермь",
    "сочи": "Сочи", "владивосток": "Владивосток", "париж": "Париж", "лондон": "Лондон",
    "берлин": "Берлин", "рим": "Рим", "мадрид": "Мадрид", "токио": "Токио", "пекин": "Пекин",
    "минск": "Минск", "астан": "Астана", "тул": "Тула", "твер": "Тверь",
}  # fmt: skip
_ENDING = "(?:|а|я|ь|и|ы|е|у|ю|ой|ей|ом|ем|ью)"
_CITY_PATTERNS = [
    (re.compile(rf"\b{stem}{_ENDING}\b", re.IGNORECASE), city) for stem, city in _CITIES.items()
]
# No sentence begins with them.
_CAPITALISED = re.compile(r"(?<=[^.!?\s] )[A-ZА-ЯЁ][a-zа-яё]+(?:[ -][A-ZА-ЯЁ][a-zа-яё]+)*")
# Parts of dates and times are no numbers.
_NUMBER = re.compile(r"(?<![\w.,:-])-?\d+(?:[.,]\d+)?(?!\w|[-:]\d)")
_QUOTED = re.compile(r"[«“\"'`]([^«»“”\"'`]{1,200})[»”\"'`]")
_WORD = re.compile(r"\w+")
_LONGEST_STRING = 200


class TextFacts:
    """The facts of one text; numbers and names are handed out in the order they stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._numbers = [found.group().replace(",", ".") for found in _NUMBER.finditer(text)]
        self._names = self.places() or list(dict.fromkeys(_CAPITALISED.findall(text)))

    def places(self) -> list[str]:
        """Return the known cities that the text names, in their dictionary form."""
        found = (
            (match.start(), city)
            for pattern, city in _CITY_PATTERNS
            for match in pattern.finditer(self.text)
        )
        return list(dict.fromkeys(city for _, city in sorted(found)))

    def words(self) -> list[str]:
        """Return the words of the text."""
        return _WORD.findall(self.text)

    def mentioned(self, values: Iterable[Any]) -> Any:
        """Return the first of the values that the text says, else None."""
        number = self.text.casefold()
        return next((value for value in values if _says(number, value)), None)

    def has_number(self) -> bool:
        """Return whether a number is left."""
        return bool(self._numbers)

    def number(self, *, whole: bool) -> float | int | None:
        """Take the next number, whole ones only if asked so."""
        for index, number in enumerate(self._numbers):
            if not whole or "." not in number:
                del self._numbers[index]
                return float(number) if "." in number else int(number)
        return None

    def string(self) -> str:
        """Return what stands in quotation marks, else the next name, else the whole text."""
        if quoted := _QUOTED.search(self.text):
            return quoted.group(1)
        if len(self._names) > 1:
            return self._names.pop(0)
        return self._names[0] if self._names else self._whole()

    def _whole(self) -> str:
        return " ".join(self.text.split())[:_LONGEST_STRING] or "…"


def _says(text: str, value: object) -> bool:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
        return False
    return re.search(rf"\b{re.escape(str(value).casefold())}", text) is not None
