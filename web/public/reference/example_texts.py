"""The words of the document's examples, which are Russian in the source, for English readers."""

from typing import Any

ENGLISH = {
    "Назови столицу Армении.": "Name the capital of Armenia.",
    "Столица Армении — Ереван.": "The capital of Armenia is Yerevan.",
    "Продолжи: один, два,": "Go on: one, two,",
    "три, четыре, пять.": "three, four, five.",
    "Ереван": "Yerevan",
    "Ереван.": "Yerevan.",
    "Гюмри": "Gyumri",
    "Модель Сбера для сложных задач; понимает изображения.": (
        "Sber's model for hard tasks; understands pictures."
    ),
}


def example_in(language: str, value: Any) -> Any:
    """Return a value of an example with its words in `language`."""
    if language != "en":
        return value
    if isinstance(value, dict):
        return {name: example_in(language, item) for name, item in value.items()}
    if isinstance(value, list):
        return [example_in(language, item) for item in value]
    return ENGLISH.get(value, value) if isinstance(value, str) else value
