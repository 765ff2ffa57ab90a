"""A canned server and the emulated one, and the adapter before each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.sandbox.credentials import OPENAI_COMPATIBLE_API_KEY
from gateway.sandbox.server import Sandbox
from tests.providers.openai_compatible.upstream import KEY, NAME, Upstream

Make = Callable[..., OpenAICompatible]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    canned = Upstream()
    with canned.server:
        yield canned


@pytest.fixture
def make(upstream: Upstream) -> Iterator[Make]:
    """Make adapters in front of the canned server."""
    made: list[OpenAICompatible] = []

    def build(name: str = NAME, **options: Any) -> OpenAICompatible:
        settings = {"base_url": f"{upstream.url}/v1", "api_key": KEY}
        made.append(OpenAICompatible(name, **(settings | options)))
        return made[-1]

    yield build
    for provider in made:
        provider.close()


@pytest.fixture
def provider(make: Make) -> OpenAICompatible:
    return make()


@pytest.fixture(scope="package")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def make_sandboxed(sandbox: Sandbox) -> Iterator[Make]:
    """Make adapters in front of the emulator."""
    made: list[OpenAICompatible] = []

    def build(name: str = NAME, **options: Any) -> OpenAICompatible:
        settings = {
            "base_url": f"{sandbox.openai_origin}/v1",
            "api_key": OPENAI_COMPATIBLE_API_KEY,
        }
        made.append(OpenAICompatible(name, **(settings | options)))
        return made[-1]

    yield build
    for provider in made:
        provider.close()


@pytest.fixture
def sandboxed(make_sandboxed: Make) -> OpenAICompatible:
    return make_sandboxed()
