"""A canned GigaChat and the emulated one, and the adapter before each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.providers.gigachat.adapter import GigaChat
from gateway.sandbox.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE
from gateway.sandbox.server import Sandbox
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


@pytest.fixture(scope="package")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def make_sandboxed(sandbox: Sandbox) -> Iterator[MakeGigaChat]:
    made: list[GigaChat] = []

    def make(**options: Any) -> GigaChat:
        settings: dict[str, Any] = {
            "base_url": f"{sandbox.gigachat_origin}/api/v1",
            "auth_url": f"{sandbox.gigachat_origin}/api/v2/oauth",
            "credentials": GIGACHAT_CREDENTIALS,
            "scope": GIGACHAT_SCOPE,
        }
        made.append(GigaChat(**(settings | options)))
        return made[-1]

    yield make
    for gigachat in made:
        gigachat.close()


@pytest.fixture
def sandboxed(make_sandboxed: MakeGigaChat) -> GigaChat:
    return make_sandboxed()
