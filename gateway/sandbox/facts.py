"""What a text says that can be put into arguments: numbers, places, quotations, addresses."""

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
_CAPITALISED = re.compile(r"\b[A-ZА-ЯЁ][a-zа-яё]+(?:[ -][A-ZА-ЯЁ][a-zа-яё]+)*")
# Parts of dates and times are no numbers.
_NUMBER = re.compile(r"(?<![\w.,:-])-?\d+(?:[.,]\d+)?(?!\w|[-:]\d)")
_QUOTED = re.compile(r"[«“\"'`]([^«»“”\"'`]{1,200})[»”\"'`]")
_EXPRESSION = re.compile(r"[\d(][\d\s.+\-*/×÷()^]*[+\-*/×÷^][\d\s.+\-*/×÷()^]*[\d)]")
_WORD = re.compile(r"\w+")
_QUESTION_WORD = re.compile(
    r"i|what|which|where|when|who|how|why|is|are|do|does|can|could|please|call|use|tell|give|show|"
    r"find|the|get|как\w*|сколько|где|когда|кто|почему|что|скажи|покажи|найди|дай|узнай|вызови|"
    r"используй|пожалуйста|посчитай|напиши",
    re.IGNORECASE,
)
_FORMATS = {
    "date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "time": re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"),
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    "uri": re.compile(r"https?://[^\s«»\"'<>]+"),
}
_EXPRESSION_FIELDS = re.compile(r"expr|formula|выражен|формул", re.IGNORECASE)
_WHOLE_TEXT_FIELDS = re.compile(
    r"^(query|q|text|prompt|question|message|content|request)$|запрос|вопрос", re.IGNORECASE
)
_LONGEST_STRING = 200


class Facts:
    """The facts of one text; numbers and names are handed out in the order they stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._numbers = [found.group().replace(",", ".") for found in _NUMBER.finditer(text)]
        self._names = list(dict.fromkeys(self.places() or self._capitalised()))

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
        said = self.text.casefold()
        return next((value for value in values if _says(said, value)), None)

    def has_number(self) -> bool:
        """Return whether a number is left."""
        return bool(self._numbers)

    def number(self, *, whole: bool) -> float | int | None:
        """Take the next number, whole ones only if asked so."""
        for index, said in enumerate(self._numbers):
            if not whole or "." not in said:
                del self._numbers[index]
                return float(said) if "." in said else int(said)
        return None

    def formatted(self, name: str) -> str | None:
        """Return what the text says in a format of JSON Schema."""
        found = _FORMATS[name].search(self.text) if name in _FORMATS else None
        return None if found is None else found.group()

    def string_for(self, name: str, description: str) -> str:
        """Return the string that suits a field best; the whole text at last."""
        if _EXPRESSION_FIELDS.search(f"{name} {description}") and (
            found := _EXPRESSION.search(self.text[:_LONGEST_STRING])
        ):
            return found.group().strip()
        if _WHOLE_TEXT_FIELDS.search(name):
            return self._whole()
        if quoted := _QUOTED.search(self.text):
            return quoted.group(1)
        if len(self._names) > 1:
            return self._names.pop(0)
        return self._names[0] if self._names else self._whole()

    def _whole(self) -> str:
        return " ".join(self.text.split())[:_LONGEST_STRING] or "…"

    def _capitalised(self) -> list[str]:
        """Return capitalised words, those that merely begin a sentence left out if possible."""
        names: list[str] = []
        openings: list[str] = []
        for found in _CAPITALISED.finditer(self.text):
            name = found.group()
            if _QUESTION_WORD.fullmatch(name):
                continue
            before = self.text[: found.start()].rstrip()
            (openings if not before or before[-1] in ".!?\n" else names).append(name)
        return names or openings


def _says(text: str, value: object) -> bool:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
        return False
    return re.search(rf"\b{re.escape(str(value).casefold())}", text) is not None
