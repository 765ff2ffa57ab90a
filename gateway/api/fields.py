"""Readers of one JSON field each: the value as it should be, or a refusal that names the field.

A null is an absent field. A text is taken for a number or a yes/no where nothing is lost by it.
"""

from collections.abc import Mapping
from typing import Any

from gateway.pipeline.errors import InvalidParameter

JSONObject = Mapping[str, Any]


def whole(
    source: JSONObject, name: str, *, minimum: int, maximum: int, path: str = ""
) -> int | None:
    """Return a whole number in [minimum, maximum]."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit():
        value = int(value) if len(value) <= 20 else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise InvalidParameter(
            f"{path}{name} must be a whole number from {minimum} to {maximum}.", param=path + name
        )
    return value


def number(
    source: JSONObject, name: str, *, minimum: float, maximum: float, path: str = ""
) -> float | None:
    """Return a number in [minimum, maximum]."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 32 and value.isascii() else None
        except ValueError:
            value = None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not minimum <= value <= maximum
    ):
        raise InvalidParameter(
            f"{path}{name} must be a number from {minimum:g} to {maximum:g}.", param=path + name
        )
    return value


def flag(source: JSONObject, name: str, *, path: str = "") -> bool | None:
    """Return true or false."""
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise InvalidParameter(f"{path}{name} must be true or false.", param=path + name)


def text(
    source: JSONObject, name: str, *, longest: int, path: str = "", is_line: bool = False
) -> str | None:
    """Return a text of `longest` characters at most; a line has no control characters."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise InvalidParameter(
            f"{path}{name} must be a text of {longest} characters at most.", param=path + name
        )
    if is_line and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise InvalidParameter(f"{path}{name} must have no control characters.", param=path + name)
    return value


def choice(
    source: JSONObject, name: str, choices: tuple[str, ...], *, path: str = ""
) -> str | None:
    """Return one of `choices`."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value not in choices:
        raise InvalidParameter(
            f"{path}{name} must be one of {', '.join(choices)}.", param=path + name
        )
    return value


def mapping(source: JSONObject, name: str, *, path: str = "") -> dict[str, Any] | None:
    """Return a JSON object."""
    value = source.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise InvalidParameter(f"{path}{name} must be an object.", param=path + name)


def items(source: JSONObject, name: str, *, most: int, path: str = "") -> list[Any] | None:
    """Return a list of `most` items at most."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > most:
        raise InvalidParameter(
            f"{path}{name} must be a list of {most} items at most.", param=path + name
        )
    return value


def texts(
    source: JSONObject, name: str, *, most: int, longest: int, path: str = ""
) -> tuple[str, ...] | None:
    """Return a list of texts; a single text is a list of one."""
    value = source.get(name)
    values = [value] if isinstance(value, str) else items(source, name, most=most, path=path)
    if values is None:
        return None
    if not all(isinstance(item, str) and 0 < len(item) <= longest for item in values):
        raise InvalidParameter(
            f"{path}{name} must hold texts of 1 to {longest} characters.", param=path + name
        )
    return tuple(values)
