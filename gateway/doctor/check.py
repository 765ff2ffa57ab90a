"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. Whoever runs the service acts on `remedy`; it is empty where all is well."""

    name: str
    status: Status
    message: str
    remedy: str = ""


def ok(name: str, message: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, "ok", message)


def warning(name: str, message: str, remedy: str) -> Check:
    """Return a check that found what the service can run with."""
    return Check(name, "warning", message, remedy)


def failure(name: str, message: str, remedy: str) -> Check:
    """Return a check that found what the service cannot run with, or not whole."""
    return Check(name, "failure", message, remedy)
