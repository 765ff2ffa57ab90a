"""A canned server and the emulated one, and the adapter before each."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.providers.openai_compatible.adapter import OpenAICompatible
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from sandbox.server import Sandbox
from tests.providers.openai_compatible.upstream import KEY, NAME, OpenAIUpstream

Make = Callable[..., OpenAICompatible]


@pytest.fixture
def upstream() -> Iterator[OpenAIUpstream]:
    canned = OpenAIUpstream()
    with canned.server:
        yield canned


@pytest.fixture
def make(upstream: OpenAIUpstream) -> Iterator[Make]:
    """Make adapters in front of the canned server."""
    created: list[OpenAICompatible] = []

    def build(name: str = NAME, **options: Any) -> OpenAICompatible:
        settings = {"base_url": f"{upstream.url}/v1", "api_key": KEY}
        created.append(OpenAICompatible(name, **(settings | options)))
        return created[-1]

    yield build
    for provider in created:
        provider.close()


@pytest.fixture
def provider(make: Make) -> OpenAICompatible:
    return make()


@pytest.fixture
def make_sandboxed(sandbox: Sandbox) -> Iterator[Make]:
    """Make adapters in front of the emulator."""
    created: list[OpenAICompatible] = []

    def build(name: str = NAME, **options: Any) -> OpenAICompatible:
        settings = {
            "base_url": f"{sandbox.openai_origin}/v1",
            "api_key": OPENAI_COMPATIBLE_API_KEY,
        }
        created.append(OpenAICompatible(name, **(settings | options)))
        return created[-1]

    yield build
    for provider in created:
        provider.close()


@pytest.fixture
def sandboxed(make_sandboxed: Make) -> OpenAICompatible:
    return make_sandboxed()
