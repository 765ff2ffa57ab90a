"""Log lines as JSON with the request id; keys and tokens never get through."""

import logging
import re
from datetime import UTC, datetime

import orjson

from infra.request_id import request_id

_SECRETS = re.compile(
    r"(xr-(?:live|test|oauth|secret|code)-)[0-9A-Za-z]+"
    r"|((?:Bearer|Basic|Api-Key)\s+)[^\s\"',]+"
    r"|((?:access_token|client_secret|code_verifier|api_key|password)[\"']?[ \t]*[=:][ \t]*[\"']?)"
    r"(?!https?://)[^\s\"'&,]+",  # mails say "change your password:" before a link
    re.IGNORECASE,
)
_LINKS_OF_MAILS = re.compile(r"(/accounts/(?:password/reset/key|confirm-email)/)[^/]+")


def time_text(at_s: float) -> str:
    """Return a moment of the Unix clock as ISO 8601 with milliseconds, in UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def redact(text: str) -> str:
    """Blot out what looks like a key, a token or a password."""
    return _SECRETS.sub(lambda match: f"{match[1] or match[2] or match[3]}[redacted]", text)


def redact_path(path: str) -> str:
    """Blot out also what the link of a mail bears: whoever has it sets the password.

    The mail itself is spared: where there is no mail server, the log is where it is read.
    """
    return _LINKS_OF_MAILS.sub(r"\1[redacted]", redact(path))


class JSONLines(logging.Formatter):
    """One escaped JSON object a record: `time`, `level`, `logger`, `message`, `request_id`, `error`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": time_text(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if identity := request_id.get():
            line["request_id"] = identity
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        try:
            return orjson.dumps(line).decode()
        except TypeError:
            # Half of a surrogate pair: names of files and texts of others may have it.
            whole = {name: text.encode(errors="replace").decode() for name, text in line.items()}
            return orjson.dumps(whole).decode()
