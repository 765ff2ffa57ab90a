"""Custom tools, whose input is a text and no JSON: each is offered to models as a function of one text."""

from typing import Protocol

import orjson

from gateway.providers.chat_types import Tool

CUSTOM_INPUT = "input"
"""The one argument of the function that stands for a custom tool."""


class Grammar(Protocol):
    """What the input of a custom tool must follow; without a `definition` it demands nothing."""

    @property
    def syntax(self) -> str | None: ...

    @property
    def definition(self) -> str | None: ...


def custom_function(name: str, description: str | None, grammar: Grammar | None) -> Tool:
    """Return the function that stands for a custom tool; a grammar of its input is told in words."""
    lines = [description]
    described = "The whole input of the tool, as plain text."
    if grammar is not None and grammar.definition:
        described += " It must follow the grammar."
        lines.append(
            f"The input must follow this {grammar.syntax or ''} grammar:".replace("  ", " ")
        )
        lines.append(grammar.definition)
    parameters = {
        "type": "object",
        "properties": {CUSTOM_INPUT: {"type": "string", "description": described}},
        "required": [CUSTOM_INPUT],
    }
    return Tool(name, "\n".join(filter(None, lines)), parameters)


def custom_arguments(text: str) -> str:
    """Return the arguments of the function that stands for a custom tool."""
    return orjson.dumps({CUSTOM_INPUT: text}).decode()


def custom_input(arguments: str) -> str:
    """Return what a model gives to a custom tool, whatever it made of the one argument there is."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    if isinstance(value, dict):
        texts = [text for text in value.values() if isinstance(text, str)]
        value = value.get(CUSTOM_INPUT, texts[0] if len(texts) == len(value) == 1 else value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()
