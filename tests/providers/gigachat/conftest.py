"""A canned GigaChat, and the adapter before it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.providers.gigachat.adapter import GigaChat
from tests.providers.gigachat.upstream import KEY, Upstream

MakeGigaChat = Callable[..., GigaChat]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    canned = Upstream()
    with canned.serve():
        yield canned


@pytest.fixture
def make_gigachat(upstream: Upstream) -> Iterator[MakeGigaChat]:
    made: list[GigaChat] = []

    def make(**options: Any) -> GigaChat:
        settings: dict[str, Any] = {
            "base_url": f"{upstream.url}/v1",
            "auth_url": f"{upstream.url}/oauth",
            "credentials": KEY,
            "scope": "GIGACHAT_API_PERS",
            "mint_id": lambda: "0123456789ab",
        }
        made.append(GigaChat(**(settings | options)))
        return made[-1]

    yield make
    for gigachat in made:
        gigachat.close()


@pytest.fixture
def gigachat(make_gigachat: MakeGigaChat) -> GigaChat:
    return make_gigachat()
