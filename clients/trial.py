"""One client's run: what it is asked, what counts as answered, and where the outcome is written.

It runs inside the client's own environment. Standard input holds the task, one JSON object:
`base_url`, `api_key`, `api` (`chat` or `responses`, where the client has both), `report` (a file to append
to), `chat_models` and `embedding_models`.
The report gets one JSON object a line: `{"versions": {…}}` first, then twice for each cell
`{"model", "feature", "outcome"}`: that it has begun, so that a client that dies leaves its trace,
and `pass` or the first line of the error.
"""

import asyncio
import inspect
import json
import pathlib
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pydantic

TASK: dict[str, Any] = json.load(sys.stdin)
BASE_URL: str = TASK["base_url"]
API_KEY: str = TASK["api_key"]
USES_RESPONSES: bool = TASK["api"] == "responses"

QUESTION = "Какая столица России?"
ANSWER = "Москва"
WEATHER_QUESTION = "Какая погода в городе Томск?"
CITY, DEGREES = "Томск", "20"
WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Погода в городе",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
PERSON_REQUEST = "Заполни карточку человека: имя «Анна», возраст 31 год."
TEXTS = ["Волга впадает в Каспийское море.", "Сегодня в столовой борщ."]

UNFINISHED = "The client did not finish."

_asked: list[str] = []


class Person(pydantic.BaseModel):
    """Карточка человека."""

    name: str
    age: int


class Answered(dict[str, bool]):
    """Names of what was asked, and whether each was answered as it should be."""


def get_weather(city: str) -> str:
    """Погода в городе"""
    _asked.append(city)
    return f"минус {DEGREES}"


def tool_results(message: Any) -> list[dict[str, str]]:
    """Do what the calls of an assistant's message ask; return the messages to send behind it."""
    return [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": get_weather(**json.loads(call.function.arguments)),
        }
        for call in message.tool_calls or []
    ]


def run(
    *packages: str,
    chat: Callable[[str], Any],
    stream: Callable[[str], Any] | None = None,
    tools: Callable[[str], Any] | None = None,
    streamed_tools: Callable[[str], Any] | None = None,
    structured: Callable[[str], Any] | None = None,
    embeddings: Callable[[str], Any] | None = None,
    account: Callable[[str], Any] | None = None,
) -> None:
    """Try every feature on every model and report; `packages` are the ones whose versions count.

    Each feature takes a model, may be a coroutine function, and returns: the answer's text (`chat`,
    `tools`), its pieces in order (`stream`, `streamed_tools`), one `Person` for each way of asking
    (`structured`), the vectors of `TEXTS` (`embeddings`), and by its name whether each other call was
    answered as it should be (`account`). Any of them may return `Answered` too.
    """
    _report({"versions": {"Python": platform.python_version()} | {p: version(p) for p in packages}})
    features = {
        "chat": (chat, _is_capital),
        "stream": (stream, _is_streamed_capital),
        "tools": (tools, _is_weather),
        "streamed_tools": (streamed_tools, _is_streamed_weather),
        "structured": (structured, _are_persons),
        "embeddings": (embeddings, _are_vectors),
        "account": (account, _are_answered),
    }
    models = zip(TASK["chat_models"], TASK["embedding_models"], strict=True)
    for chat_model, embedding_model in models:
        for name, (feature, check) in features.items():
            if feature is not None:
                model = embedding_model if name == "embeddings" else chat_model
                cell = {"model": chat_model, "feature": name}
                _report(cell | {"outcome": UNFINISHED})
                _report(cell | {"outcome": _try(feature, model, check)})


def _try(feature: Callable[[str], Any], model: str, check: Callable[[Any], bool]) -> str:
    _asked.clear()
    try:
        result = feature(model)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        if isinstance(result, Answered):
            check = _are_answered
        if not check(result):
            return f"Unexpected answer: {result!r}"[:300]
    except Exception as error:  # whatever a client raises is the outcome
        lines = f"{type(error).__name__}: {error}".splitlines()
        return lines[0][:300]
    return "pass"


def _is_capital(text: str) -> bool:
    return ANSWER in text


def _is_streamed_capital(pieces: list[str]) -> bool:
    return len(list(filter(None, pieces))) > 1 and _is_capital("".join(pieces))


def _is_weather(text: str) -> bool:
    return CITY in _asked and DEGREES in text


def _is_streamed_weather(pieces: list[str]) -> bool:
    return _is_weather("".join(pieces))


def _are_persons(persons: list[Person]) -> bool:
    # Clients may return subclasses, which are never equal to what they extend.
    return {(person.name, person.age) for person in persons} == {("Анна", 31)}


def _are_vectors(vectors: list[list[float]]) -> bool:
    first, second = vectors
    return len(first) == len(second) > 0 and first != second


def _are_answered(calls: dict[str, bool]) -> bool:
    return bool(calls) and all(calls.values())


def _report(line: dict[str, Any]) -> None:
    with pathlib.Path(TASK["report"]).open("a", encoding="utf-8") as report:
        report.write(json.dumps(line, ensure_ascii=False) + "\n")
