"""Secrets taken out of what providers say, since they like to quote what they refuse."""

import re
from collections.abc import Callable, Iterable

Redact = Callable[[str], str]

SECRET_CHARS_MIN = 8
"""A shorter key, say `EMPTY`, is a placeholder and may be a common word."""
_MASK = "***"
_SECRET = re.compile(
    r"""
      \b sk-[\w*-]{8,}                            # API key of OpenAI and its like
    | \b AQVN[\w-]{8,}                            # API key of Yandex Cloud
    | \b t1\.[\w.~+/=-]{8,}                       # IAM token
    | \b eyJ[\w-]+\.[\w-]+\.[\w-]*                # JWT
    | (?<=\bBearer\ )[\w.~+/=*-]{8,}
    | (?<=\b(?:gpt|emb|cls|art)://)[^/\s'"]+      # folder of a model URI
    | (?<=folder\ ID\ ')[^']*                     # Specified folder ID '...' does not match ...
    | \b (?:b1g|aje)[a-z0-9]{17} \b               # folder and service account ids
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask `secrets`, and whatever looks like one."""
    for secret in secrets:
        if len(secret) >= SECRET_CHARS_MIN:
            text = text.replace(secret, _MASK)
    return _SECRET.sub(_MASK, text)
