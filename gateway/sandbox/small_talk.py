"""What the sandbox's model says when it is simply spoken to, in Russian and in English."""

import ast
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.sandbox.conversation import Conversation, ToolResult

_LONGEST_QUOTE = 200
_LONGEST_COUNT = 1000
_LONGEST_SUM = 300

# Questions that have one answer: what to look for, the word for it, and a sentence.
_CAPITALS = {
    "росси|russia": ("Москва", "Moscow", "России", "Russia"),
    "татарстан|tatarstan": ("Казань", "Kazan", "Татарстана", "Tatarstan"),
    "франци|france": ("Париж", "Paris", "Франции", "France"),
    "герман|germany": ("Берлин", "Berlin", "Германии", "Germany"),
    "итали|italy": ("Рим", "Rome", "Италии", "Italy"),
    "испани|spain": ("Мадрид", "Madrid", "Испании", "Spain"),
    "великобритани|англи|britain|england|uk": ("Лондон", "London", "Великобритании", "Britain"),
    "кита|china": ("Пекин", "Beijing", "Китая", "China"),
    "япони|japan": ("Токио", "Tokyo", "Японии", "Japan"),
    "казахстан|kazakhstan": ("Астана", "Astana", "Казахстана", "Kazakhstan"),
    "белорус|беларус|belarus": ("Минск", "Minsk", "Беларуси", "Belarus"),
    "сша|usa|united states": ("Вашингтон", "Washington", "США", "the USA"),
}
_FACTS = {
    r"планет|planets": (
        "Восемь", "Eight",
        "В Солнечной системе восемь планет.", "There are eight planets in the Solar System.",
    ),
    r"дней в неделе|days .*week": (
        "Семь", "Seven", "В неделе семь дней.", "There are seven days in a week.",
    ),
    r"цвет\w* неб|colou?r .*sky|небо какого": (
        "Голубое", "Blue", "Небо голубое.", "The sky is blue.",
    ),
    r"кто ты|как тебя зовут|who are you|your name": (
        "Песочница", "Sandbox",
        "Я модель песочницы XRouter и отвечаю без настоящей нейросети.",
        "I am the model of the XRouter sandbox and answer without a real network.",
    ),
}  # fmt: skip
_NAME_TOLD = re.compile(r"(?:меня зовут|моё имя|мое имя|my name is|call me)\s+(\w+)", re.IGNORECASE)
_NAME_ASKED = re.compile(
    r"как меня зовут|мо[её] имя\s*\?|what(?:'s| is) my name|who am i", re.IGNORECASE
)
_ONE_WORD = re.compile(r"одним словом|одно слово|one word|single word", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:привет|здравствуй|добр\w+ (?:день|утро|вечер)|hello|hi\b|hey\b)", re.IGNORECASE
)
_THANKS = re.compile(r"^\W*(?:спасибо|благодарю|thanks|thank you)", re.IGNORECASE)
_COUNT = re.compile(
    r"(?:count|счита\w*|посчитай|сосчитай).*?(?:from|от|с)\s+(\d+)\s+(?:to|до|по)\s+(\d+)",
    re.IGNORECASE | re.DOTALL,
)
_SAY = re.compile(
    r"^\W*(?:please |пожалуйста,? )?(?:say|repeat|reply with|answer with|скажи|повтори|"
    r"напиши слово|ответь словом)\b[:,]?\s+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_NOTHING_ELSE = re.compile(
    r"[\s,]*(?:and nothing else|и больше ничего|и ничего больше|only|exactly|только)\W*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^[«“\"'`](.+)[»”\"'`][.!]?$", re.DOTALL)
_ARITHMETIC = re.compile(r"\(*\d[\d.()\s]*(?:[-+*/×÷:x^][\s(]*\d[\d.()\s]*)+")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Saying:
    """An answer in one word and in full."""

    word: str
    full: str


def is_russian(text: str) -> bool:
    """Return whether to answer in Russian."""
    return re.search("[а-яё]", text, re.IGNORECASE) is not None or not text


def answer(conversation: Conversation, asked: str) -> str:
    """Return what to say to the words of the user, in the light of the conversation."""
    saying = _saying(conversation, asked)
    hints = [turn.text for turn in conversation.turns if turn.speaker == "system"]
    is_brief = _ONE_WORD.search("\n".join([*hints, asked])) is not None
    return saying.word if is_brief else saying.full


def quote_results(results: Iterable[ToolResult], asked: str) -> str:
    """Return an answer that passes on what the tools gave back."""
    if is_russian(asked):
        parts = [f"Инструмент {result.name} вернул: {result.content}" for result in results]
        return "Вот что удалось узнать. " + "\n".join(parts)
    parts = [f"The tool {result.name} returned: {result.content}" for result in results]
    return "Here is what I found out. " + "\n".join(parts)


def refusal(asked: str) -> str:
    """Return the canned words of a content filter."""
    if is_russian(asked):
        return "Как у нейросетевой языковой модели у меня нет мнения на эту тему."
    return "As a language model I do not talk about this subject."


def _saying(conversation: Conversation, asked: str) -> Saying:
    said_before = [turn.text for turn in conversation.turns if turn.speaker == "user"]
    for one in (_name(asked, said_before), _fact(asked), _count(asked), _say(asked), _sum(asked)):
        if one is not None:
            return one
    russian = is_russian(asked)
    if _GREETING.search(asked):
        if russian:
            return Saying("Здравствуйте", "Здравствуйте! Я модель песочницы XRouter. Чем помочь?")
        return Saying("Hello", "Hello! I am the model of the XRouter sandbox. How can I help?")
    if _THANKS.search(asked):
        return (
            Saying("Пожалуйста", "Пожалуйста! Обращайтесь ещё.")
            if russian
            else Saying("Welcome", "You are welcome! Ask me anything else.")
        )
    files = [name for turn in conversation.turns[-1:] for name in turn.files]
    return _sentences(asked, files, russian=russian)


def _name(asked: str, said_before: list[str]) -> Saying | None:
    told = [found.group(1) for said in said_before for found in _NAME_TOLD.finditer(said)]
    russian = is_russian(asked)
    if _NAME_ASKED.search(asked):
        if not told:
            return (
                Saying("Неизвестно", "Вы пока не называли своего имени.")
                if russian
                else Saying("Unknown", "You have not told me your name yet.")
            )
        name = told[-1]
        return Saying(name, f"Вас зовут {name}." if russian else f"Your name is {name}.")
    if _NAME_TOLD.search(asked):
        name = told[-1]
        return Saying(
            name,
            f"Приятно познакомиться, {name}!" if russian else f"Nice to meet you, {name}!",
        )
    return None


def _fact(asked: str) -> Saying | None:
    said, russian = asked.casefold(), is_russian(asked)
    if re.search("столиц|capital", said):
        for pattern, (city, city_en, country, country_en) in _CAPITALS.items():
            if re.search(rf"\b(?:{pattern})", said):
                if russian:
                    return Saying(city, f"Столица {country} — {city}.")
                return Saying(city_en, f"The capital of {country_en} is {city_en}.")
    for pattern, (word, word_en, full, full_en) in _FACTS.items():
        if re.search(pattern, said):
            return Saying(word, full) if russian else Saying(word_en, full_en)
    return None


def _count(asked: str) -> Saying | None:
    found = _COUNT.search(asked)
    if found is None:
        return None
    first, last = int(found.group(1)), int(found.group(2))
    step = 1 if first <= last else -1
    numbers = list(range(first, last + step, step)) if abs(last - first) < _LONGEST_COUNT else []
    return Saying(str(last), ", ".join(map(str, numbers))) if numbers else None


def _say(asked: str) -> Saying | None:
    found = _SAY.match(asked)
    if found is None:
        return None
    what = _NOTHING_ELSE.sub("", found["what"].strip()).strip()
    quoted = _QUOTED.match(what)
    what = quoted.group(1) if quoted else what
    return Saying(what, what) if what else None


def _sum(asked: str) -> Saying | None:
    found = _ARITHMETIC.search(asked[:_LONGEST_SUM])
    if found is None:
        return None
    said = found.group().strip()
    try:
        value = _value(ast.parse(re.sub("[×x]", "*", re.sub("[÷:]", "/", said)), mode="eval").body)
    except (ArithmeticError, MemoryError, RecursionError, SyntaxError, ValueError):
        return None
    result = f"{value:.10g}"
    spaced = " ".join(re.findall(r"[\d.]+|\S", said))
    return Saying(result, f"{spaced} = {result}")


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if abs(number) < 10**15:
            return number
        case ast.BinOp(left, kind, right) if type(kind) in _OPERATORS:
            return _OPERATORS[type(kind)](_value(left), _value(right))
        case _:
            raise ValueError("not arithmetic")


def _sentences(asked: str, files: list[str], *, russian: bool) -> Saying:
    quote = " ".join(asked.split())
    quote = quote if len(quote) <= _LONGEST_QUOTE else quote[: _LONGEST_QUOTE - 1] + "…"
    words = re.findall(r"\w{4,}", asked) or ["да" if russian else "yes"]
    seen = "".join(
        f" К сообщению приложено: {name}." if russian else f" Attached: {name}." for name in files
    )
    if russian:
        return Saying(
            words[-1].capitalize(),
            f"Вы написали: «{quote}».{seen} Это ответ песочницы XRouter: она говорит на языке "
            "провайдера, но без настоящей модели. Подключите ключи провайдеров, и на этот же "
            "запрос ответит нейросеть.",
        )
    return Saying(
        words[-1].capitalize(),
        f"You wrote: “{quote}”.{seen} This is an answer of the XRouter sandbox: it speaks the "
        "provider's protocol, but there is no real model behind it. Connect the providers' keys, "
        "and a neural network will answer the same request.",
    )
