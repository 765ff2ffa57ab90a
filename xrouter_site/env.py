"""Typed readers of the environment: a value that cannot be read stops the start and names its variable."""

import os
import re
from collections.abc import Collection
from decimal import Decimal
from email.utils import getaddresses
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from billing.pricing import percent_of

MOST = 2**31 - 1
MOST_SECONDS = 86_400
SHOWN_CHARS = 200

_USER_AND_PASSWORD = re.compile(r"^([^/@]*//)?.*@")


def text(name: str, default: str = "") -> str:
    """Return the variable without surrounding blanks; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """Return a yes or no, written as 1/0, true/false, yes/no, on/off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    refuse(name, "write true or false.")


def choice(name: str, default: str, choices: Collection[str]) -> str:
    """Return one of the choices, which are in capitals; the letter case does not matter."""
    value = text(name, default).upper()
    if value not in choices:
        refuse(name, f"write one of {', '.join(choices)}.")
    return value


def whole(name: str, default: int, *, minimum: int = 1, maximum: int = MOST) -> int:
    """Return a whole number from `minimum` to `maximum`."""
    value = text(name)
    if not value:
        return default
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(MOST))
    if not is_number or not minimum <= int(value) <= maximum:
        bounds = f"from {minimum} up" if maximum == MOST else f"from {minimum} to {maximum}"
        refuse(name, f"write a whole number {bounds}.")
    return int(value)


def seconds(name: str, default: float, *, allows_zero: bool = False) -> float:
    """Return a positive number of seconds, a day at most, or 0 where it `allows_zero`."""
    value = text(name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (0 < number <= MOST_SECONDS or (allows_zero and number == 0)):
        least = "a number of seconds from 0 up" if allows_zero else "a positive number of seconds"
        refuse(name, f"write {least}, {MOST_SECONDS} at most.")
    return number


def percentage(name: str) -> Decimal:
    """Return a percentage from 0 up, exactly; 0 when the variable is unset."""
    try:
        return percent_of(text(name, "0"))
    except ValueError:
        refuse(name, "write a percentage from 0 up to 99999, such as 12.5.")


def optional_whole(name: str) -> int | None:
    """Return a positive whole number, or None when the variable is unset."""
    return whole(name, 0) or None


def words(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma separated list."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def word(name: str, default: str, choices: Collection[str]) -> str:
    """Return one of the choices as it is written, as wires name their constants."""
    value = text(name, default)
    if value not in choices:
        refuse(name, f"write {'one of ' if len(choices) > 1 else ''}{', '.join(choices)}.")
    return value


def identifier(name: str) -> str:
    """Return an id that stands in paths: printable, without blanks and slashes; or none."""
    value = text(name)
    if value and not re.fullmatch(r"[!-.0-~]+", value):
        refuse(name, "write the id alone, without blanks and slashes.")
    return value


def is_file(path: str) -> bool:
    """Say whether there is a file that this process can read."""
    return os.path.isfile(path) and os.access(path, os.R_OK)


def email(name: str) -> str:
    """Return one e-mail address, with or without a name before it; or none."""
    value = text(name)
    if value:
        try:
            [(_, address)] = getaddresses([value])
            validate_email(address.replace("@localhost", "@localhost.localdomain"))
            is_right = value.isprintable()
        except (ValidationError, ValueError):
            is_right = False
        if not is_right:
            refuse(name, "write one address such as oncall@example.ru.")
    return value


def refuse(name: str, remedy: str, *, is_secret: bool = False) -> NoReturn:
    """Stop the start over a variable's value, and say what to write. Raises ImproperlyConfigured."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is unset: {remedy}")
    shown = "'***'" if is_secret else repr(_masked(value))
    raise ImproperlyConfigured(f"{name} is {shown}: {remedy}")


def _masked(value: str) -> str:
    """Return a value without what may be secret in an address, and not too long for a line."""
    if ":" in value:
        value, mark, _ = _USER_AND_PASSWORD.sub(r"\1***@", value).partition("?")
        value += f"{mark}***" if mark else ""
    return value if len(value) <= SHOWN_CHARS else f"{value[:SHOWN_CHARS]}…"
