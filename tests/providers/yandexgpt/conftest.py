"""A service account's key, made once, and adapters in front of canned answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.providers.yandexgpt.adapter import YandexGPT
from tests.providers.yandexgpt.canned_server import Canned, CannedYandexServer
from tests.providers.yandexgpt.wire import API_KEY, FOLDER

Serve = Callable[..., CannedYandexServer]
Connect = Callable[..., tuple[YandexGPT, CannedYandexServer]]


@pytest.fixture(scope="session")
def service_account_key() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    prose = "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <aje0key>\n"
    return {
        "id": "aje0key",
        "service_account_id": "aje0account",
        "public_key": public.decode(),
        "private_key": prose + private.decode(),
    }


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with canned answers."""
    with ExitStack() as stack:
        yield lambda *answers: stack.enter_context(CannedYandexServer(*answers))


@pytest.fixture
def connect(serve: Serve) -> Iterator[Connect]:
    """Start a server and an adapter with an API key in front of it."""
    stack = ExitStack()

    def connected(*answers: Canned) -> tuple[YandexGPT, CannedYandexServer]:
        server = serve(*answers)
        provider = YandexGPT(
            base_url=server.origin,
            folder_id=FOLDER,
            api_key=API_KEY,
            connect_timeout_s=5,
            read_timeout_s=5,
        )
        stack.callback(provider.close)
        return provider, server

    with stack:
        yield connected
