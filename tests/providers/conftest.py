"""Clients of the network that end with their test, and one sandbox for all providers."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.providers._shared.http_client import HttpClient
from sandbox.server import Sandbox


@pytest.fixture
def open_client():
    """Make clients that are closed with the test."""
    clients: list[HttpClient] = []

    def make(url: str, **options: Any) -> HttpClient:
        clients.append(HttpClient(url, provider="someone", **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="package")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as served:
        yield served


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox
