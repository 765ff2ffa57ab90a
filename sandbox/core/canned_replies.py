"""What the sandbox's model says in plain words, in Russian and in English."""

import re
from collections.abc import Iterable

from sandbox.core.conversation import Conversation, ToolResult

_LONGEST_QUOTE = 200
_GREETING = re.compile(r"^\W*(?:привет|здравствуй|hello|hi\b)", re.IGNORECASE)
_CAPITAL = re.compile(r"столиц\w* россии", re.IGNORECASE)


def is_russian(text: str) -> bool:
    """Return whether to answer in Russian."""
    return re.search("[а-яё]", text, re.IGNORECASE) is not None or not text


def answer(conversation: Conversation, asked: str) -> str:
    """Return a greeting for a greeting, and for anything else several sentences that quote it."""
    if _CAPITAL.search(asked):
        return "Столица России — Москва."
    if _GREETING.search(asked):
        if is_russian(asked):
            return "Здравствуйте! Я модель песочницы XRouter. Чем помочь?"
        return "Hello! I am the model of the XRouter sandbox. How can I help?"
    files = [name for turn in conversation.turns[-1:] for name in turn.files]
    return _echo(asked, files)


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


def _echo(asked: str, files: list[str]) -> str:
    quote = " ".join(asked.split())
    quote = quote if len(quote) <= _LONGEST_QUOTE else quote[: _LONGEST_QUOTE - 1] + "…"
    if is_russian(asked):
        seen = "".join(f" К сообщению приложено: {name}." for name in files)
        return (
            f"Вы написали: «{quote}».{seen} Это ответ песочницы XRouter: она говорит на языке "
            "провайдера, но без настоящей модели. Подключите ключи провайдеров, и на этот же "
            "запрос ответит нейросеть."
        )
    seen = "".join(f" Attached: {name}." for name in files)
    return (
        f"You wrote: “{quote}”.{seen} This is an answer of the XRouter sandbox: it speaks the "
        "provider's protocol, but there is no real model behind it. Connect the providers' keys, "
        "and a neural network will answer the same request."
    )
