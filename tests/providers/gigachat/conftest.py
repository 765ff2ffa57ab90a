"""A canned GigaChat and the emulated one, and the adapter before each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.providers.gigachat.adapter import GigaChat
from sandbox.core.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE
from sandbox.server import Sandbox
from tests.providers.gigachat.upstream import KEY, GigaChatUpstream

MakeGigaChat = Callable[..., GigaChat]


@pytest.fixture
def upstream() -> Iterator[GigaChatUpstream]:
    canned = GigaChatUpstream()
    with canned.serve():
        yield canned


@pytest.fixture
def make_gigachat(upstream: GigaChatUpstream) -> Iterator[MakeGigaChat]:
    created: list[GigaChat] = []

    def make(**options: Any) -> GigaChat:
        settings: dict[str, Any] = {
            "base_url": f"{upstream.url}/v1",
            "auth_url": f"{upstream.url}/oauth",
            "credentials": KEY,
            "scope": "GIGACHAT_API_PERS",
            "mint_id": lambda: "0123456789ab",
        }
        created.append(GigaChat(**(settings | options)))
        return created[-1]

    yield make
    for gigachat in created:
        gigachat.close()


@pytest.fixture
def gigachat(make_gigachat: MakeGigaChat) -> GigaChat:
    return make_gigachat()


@pytest.fixture
def make_sandboxed(sandbox: Sandbox) -> Iterator[MakeGigaChat]:
    created: list[GigaChat] = []

    def make(**options: Any) -> GigaChat:
        settings: dict[str, Any] = {
            "base_url": f"{sandbox.gigachat_origin}/api/v1",
            "auth_url": f"{sandbox.gigachat_origin}/api/v2/oauth",
            "credentials": GIGACHAT_CREDENTIALS,
            "scope": GIGACHAT_SCOPE,
        }
        created.append(GigaChat(**(settings | options)))
        return created[-1]

    yield make
    for gigachat in created:
        gigachat.close()


@pytest.fixture
def sandboxed(make_sandboxed: MakeGigaChat) -> GigaChat:
    return make_sandboxed()
