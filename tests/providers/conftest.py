"""Clients of the network that end with their test."""

from typing import Any

import pytest

from gateway.providers.http_client import HttpClient


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
