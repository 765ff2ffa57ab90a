"""Asking both emulated providers the same thing, in tests of what they have in common."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.core.exchange import ProviderName
from tests.sandbox.callers import GigaChatCaller, YandexCaller, question

each_provider = pytest.mark.parametrize("provider", ["gigachat", "yandexgpt"])
each_mode = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


class Both:
    """Asks either provider the same thing."""

    def __init__(self, gigachat: GigaChatCaller, yandex: YandexCaller) -> None:
        self.gigachat = gigachat
        self.yandex = yandex

    def ask(
        self, provider: ProviderName, text: str = "Расскажи", **request: Any
    ) -> requests.Response:
        streamed = bool(request.pop("streamed", False))
        if provider == "yandexgpt":
            return self.yandex.complete(question(text, {"stream": streamed}), **request)
        turn = {"role": "user", "content": text}
        body = {"model": "GigaChat-2", "messages": [turn], "stream": streamed}
        return self.gigachat.chat(body, **request)


def is_finished(body: bytes) -> bool:
    return b"[DONE]" in body or b"STATUS_FINAL" in body


def events(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.split(b"\n"):
        data = line.removeprefix(b"data: ")
        if data and data != b"[DONE]":
            yield json.loads(data)
