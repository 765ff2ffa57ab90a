"""XRouter for Python: the official openai clients, with XRouter's own calls beside theirs."""

from xrouter.answers import (
    ActivityRow,
    Attempt,
    Credits,
    Generation,
    Key,
    NewKey,
    Plan,
    PlanCandidate,
    Refusal,
    RotatedKey,
)
from xrouter.client import AsyncXRouter, XRouter
from xrouter.details import Details, details
from xrouter.login import LoginFailed, Token, login

__version__ = "0.1.0"
__all__ = [
    "ActivityRow",
    "AsyncXRouter",
    "Attempt",
    "Credits",
    "Details",
    "Generation",
    "Key",
    "LoginFailed",
    "NewKey",
    "Plan",
    "PlanCandidate",
    "Refusal",
    "RotatedKey",
    "Token",
    "XRouter",
    "details",
    "login",
]
