"""How the JSON of Yandex's wire is read: by the rules of proto3, strictly.

Source: YandexGPT reference of November 2026, section 4.
"""

import re
from collections.abc import Collection
from typing import Any

from sandbox.core.fields import WrongField, as_object

_INT64_MOST = 2**63 - 1


def read_object(value: Any, known: Collection[str], where: str, *, strict: bool) -> dict[str, Any]:
    """Return an object with its names in lowerCamelCase; snake_case is another spelling of them.

    Raises WrongField for a field that is unknown or is given in both spellings.
    """
    fields: dict[str, Any] = {}
    for name, inner in as_object(value, where).items():
        camel = re.sub(r"_([a-z0-9])", lambda found: found.group(1).upper(), name)
        if camel not in known:
            if strict:
                raise WrongField(f"unknown field {name} in {where}")
            continue
        if camel in fields:
            raise WrongField(f"{where}.{camel} is given twice")
        fields[camel] = inner
    return fields


def at_most_one(fields: dict[str, Any], names: Collection[str], where: str) -> str | None:
    """Return which member of a oneof is set. Raises WrongField if several are."""
    given = [name for name in names if name in fields]
    if len(given) > 1:
        raise WrongField(f"{where}: only one of {', '.join(names)} may be set")
    return given[0] if given else None


def as_int64(value: Any, name: str) -> int:
    """Return a positive 64-bit integer, which comes as a string or as a number."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongField(f"{name} must be an int64")
    if not 0 < value <= _INT64_MOST:
        raise WrongField(f"{name} must be positive")
    return value
