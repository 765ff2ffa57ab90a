"""The headers of a WSGI request, looked up in its environ; Django's own mapping copies them all first."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http.request import HttpHeaders


class RequestHeaders(Mapping[str, str]):
    """As `HttpRequest.headers`: names in any case."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_key(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self._environ.get(_key(name), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _key(name) in self._environ

    def __iter__(self) -> Iterator[str]:
        return iter(HttpHeaders(self._environ))

    def __len__(self) -> int:
        return len(HttpHeaders(self._environ))


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in HttpHeaders.UNPREFIXED_HEADERS else f"HTTP_{key}"
