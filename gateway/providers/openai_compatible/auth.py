"""The credential of an OpenAI-compatible upstream: a bearer key, or none at all, as at Ollama."""

import re
from collections.abc import Mapping

SECRET_CHARS_MIN = 8
"""A shorter key, say `EMPTY`, is a placeholder and may be a common word."""
# Upstreams quote what they refuse: keys by their usual looks, and the folder in a model URI of Yandex.
_SECRET = re.compile(
    r"""
      \b sk-[\w*-]{8,}
    | \b AQVN[\w-]{8,}
    | \b t1\.[\w.~+/=-]{8,}
    | \b eyJ[\w-]+\.[\w-]+\.[\w-]*
    | (?<=\bBearer\ )[\w.~+/=*-]{8,}
    | (?<=\b(?:gpt|emb|cls|art)://)[^/\s'"]+
    """,
    re.VERBOSE,
)


class ApiKey:
    """One key, which does not expire; None where the upstream asks for none."""

    def __init__(self, key: str | None) -> None:
        """Take the key. Raises ValueError if no header could bear it."""
        self._key = (key or "").strip()
        if not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            raise ValueError("An API key must be printable ASCII without blanks.")

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with every request."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def scrub(self, text: str) -> str:
        """Put stars in the place of the key, and of whatever looks like a secret."""
        if len(self._key) >= SECRET_CHARS_MIN:
            text = text.replace(self._key, "***")
        return _SECRET.sub("***", text)
