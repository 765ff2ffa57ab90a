"""Checks of the fields of a JSON body; each vendor says in its own words what was wrong."""

from collections.abc import Collection
from typing import Any

from sandbox.core.json_schema import is_well_formed


class WrongField(Exception):
    """Say what is wrong with a request."""


class WrongType(WrongField):
    """Say that a field has the wrong JSON type, or is not there."""


def as_object(value: Any, name: str) -> dict[str, Any]:
    """Return a JSON object. Raises WrongField, as all here do."""
    if not isinstance(value, dict):
        raise WrongType(f"{name} must be an object")
    return value


def as_list(value: Any, name: str, *, empty: bool = False) -> list[Any]:
    """Return a list, by default one that holds something."""
    if not isinstance(value, list):
        raise WrongType(f"{name} must be an array")
    if not value and not empty:
        raise WrongField(f"{name} must not be empty")
    return value


def as_text(value: Any, name: str, *, empty: bool = True) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise WrongType(f"{name} must be a string")
    if not value and not empty:
        raise WrongField(f"{name} must not be empty")
    return value


def as_flag(value: Any, name: str) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise WrongType(f"{name} must be a boolean")
    return value


def as_number(value: Any, name: str) -> float:
    """Return a number, which a boolean is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType(f"{name} must be a number")
    return value


def as_whole(value: Any, name: str, least: int, most: int) -> int:
    """Return an integer within bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongType(f"{name} must be an integer")
    if not least <= value <= most:
        raise WrongField(f"{name} must be in range [{least}, {most}]")
    return value


def as_one_of(value: Any, name: str, allowed: Collection[str]) -> str:
    """Return one of a closed set of strings."""
    if not isinstance(value, str) or value not in allowed:
        raise WrongField(f"{name} must be one of {', '.join(allowed)}")
    return value


def as_schema(value: Any, name: str) -> dict[str, Any]:
    """Return a JSON Schema."""
    if not is_well_formed(as_object(value, name)):
        raise WrongField(f"{name} must be a JSON Schema")
    return as_object(value, name)


def only_known(value: dict[str, Any], known: Collection[str], where: str, *, strict: bool) -> None:
    """Refuse a field that the vendor does not know, unless such are to pass in silence."""
    unknown = [name for name in value if name not in known]
    if unknown and strict:
        raise WrongField(f"unknown field {unknown[0]} in {where}")
