"""When the sandbox's model calls a tool, which one, and with what arguments."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, OfferedTool
from sandbox.core.facts import TextFacts
from sandbox.core.json_schema import fill

_MOST_CALLS = 4
_STEM = 5
# Words of any description, which say nothing of what the tool is for.
_VAGUE = re.compile(
    r"given|return|value|string|number|integer|object|function|using|this|that|with|from|your|call|"
    r"tool|about|specif|current|detail|возвра|функц|инструм|котор|значен|указан|задан|текущ|"
    r"позвол|пользовател|получ"
)
_TRANSLATIONS = {
    "weather": "погод",
    "temperature": "температур",
    "forecast": "прогноз",
    "time": "времен|час",
    "price": "цен|сто",
    "cost": "цен|сто",
    "search": "найди|поиск|ищи",
    "calculat": "посчит|вычисл",
    "deliver": "достав",
    "order": "заказ",
    "convert": "перевед|конверт",
    "translat": "перевед|перевод",
    "email": "письм|почт",
    "send": "отправ",
    "book": "брон|заброн",
    "stock": "акци",
    "news": "новост",
    "currency": "валют|курс",
    "hotel": "отел|гостиниц",
    "flight": "рейс|билет",
}


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools on offer and how free the model is; see `Conversation` for the fields."""

    tools: tuple[OfferedTool, ...]
    must_call: bool = False
    forced_tool: str | None = None
    fixed_arguments: dict[str, Any] | None = None
    parallel: bool = False


def choose_calls(choice: OfferedTools, asked: str, *, answered: bool = False) -> tuple[Call, ...]:
    """Return the calls that the user's words ask for; none if the model would rather talk.

    `answered` says that results have just come in: then only force brings another call.
    """
    chosen = _chosen(choice, asked, answered=answered)
    facts = TextFacts(asked)
    if choice.parallel and len(chosen) == 1 and len(places := facts.places()) > 1:
        # "в Москве и Париже": the same question about each place.
        return tuple(_call(choice, chosen[0], TextFacts(place)) for place in places[:_MOST_CALLS])
    calls = tuple(_call(choice, tool, TextFacts(asked)) for tool in chosen[:_MOST_CALLS])
    return calls if choice.parallel else calls[:1]


def _chosen(choice: OfferedTools, asked: str, *, answered: bool) -> Sequence[OfferedTool]:
    if choice.forced_tool is not None:
        return [tool for tool in choice.tools if tool.name == choice.forced_tool]
    named = [tool for tool in choice.tools if tool.name.casefold() in asked.casefold()]
    wanted = named or [tool for tool in choice.tools if _is_about(tool, asked)]
    if answered and not choice.must_call:
        return []
    return wanted or (choice.tools[:1] if choice.must_call else [])


def _is_about(tool: OfferedTool, asked: str) -> bool:
    lowered = asked.casefold()
    beginnings = {word[:size] for word in re.findall(r"\w+", lowered) for size in (4, _STEM)}
    spaced_name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tool.name)
    name_words = re.findall(r"[a-zа-яё]{3,}", spaced_name.casefold())
    description_words = re.findall(r"[a-zа-яё]{5,}", tool.description.casefold())
    words = [word for word in (*name_words[-2:], *description_words) if not _VAGUE.match(word)]
    if any(len(word) >= 4 and word[:_STEM] in beginnings for word in words):
        return True
    return any(
        re.search(rf"\b(?:{stems})", lowered)
        for english, stems in _TRANSLATIONS.items()
        if any(word.startswith(english) for word in words)
    )


def _call(choice: OfferedTools, tool: OfferedTool, facts: TextFacts) -> Call:
    schema = {"type": "object", **tool.parameters}
    arguments = fill(schema, facts)
    made = arguments if isinstance(arguments, dict) else {}  # of a schema that no object fits
    return Call(tool.name, {**made, **(choice.fixed_arguments or {})})
