"""Credentials of providers in the tables, the pool that is made of them, and its slots."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from gateway import upstreams
from gateway.models import ProviderCredential
from gateway.providers._shared.http_client import Deadline
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
from gateway.upstreams import QueueWait
from gateway.upstreams.slots.slots import Slot
from sandbox.core import credentials
from sandbox.server import Sandbox

HANG_S = 600
SECRET = "a-secret-of-nobody-0123456789"


@pytest.fixture(autouse=True)
def fresh_pool() -> Iterator[None]:
    upstreams.reset()
    yield
    upstreams.reset()


@pytest.fixture
def upstream(settings: Any) -> Iterator[Sandbox]:
    """Serve an upstream that the environment's addresses lead to; no credential of it is given."""
    with Sandbox() as sandbox:
        settings.GIGACHAT_AUTH_URL = f"{sandbox.gigachat_origin}/api/v2/oauth"
        settings.GIGACHAT_BASE_URL = f"{sandbox.gigachat_origin}/v1"
        settings.YANDEX_BASE_URL = sandbox.yandex_origin
        settings.YANDEX_IAM_URL = f"{sandbox.yandex_origin}/iam/v1/tokens"
        yield sandbox


def stored(provider: str = "gigachat", name: str = "company", **more: Any) -> ProviderCredential:
    secret = more.pop("secret", credentials.GIGACHAT_CREDENTIALS)
    row = ProviderCredential(provider=provider, name=name, **more)
    row.seal(secret)
    row.save()
    upstreams.reset()
    return row


def free_slot(
    slug: str = "gigachat", *, is_test: bool = False, exclude: Iterable[str] = ()
) -> Slot:
    """Take a lease that need not be waited for, and give it back."""
    waiting = upstreams.leased(
        slug, account_id=1, is_test=is_test, queue=a_queue(), exclude=frozenset(exclude)
    )
    with pytest.raises(StopIteration) as ended:
        next(waiting)
    with ended.value.value as lease:
        assert isinstance(lease, Slot)
        return lease


class _UncancelledToken:
    def __init__(self) -> None:
        self.deadline_s = time.monotonic() + 60

    def bind(self, abort: object) -> None: ...

    def unbind(self) -> None: ...


def answered(slot: Slot, upstream_id: str = "GigaChat-2") -> str:
    request = ChatRequest(messages=(Message(role="user", content="Привет"),), max_tokens=5)
    chunks = slot.provider.stream(
        request, upstream_id=upstream_id, cancel_token=_UncancelledToken()
    )
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, ChatChunk))


def master_keys(*ids: str) -> dict[str, bytes]:
    return {key_id: secrets.token_bytes(32) for key_id in ids}


def a_queue(most_s: float = HANG_S) -> QueueWait:
    return QueueWait(most_s, Deadline(HANG_S))


def take(slug: str) -> tuple[Slot, Callable[[], None]]:
    waiting = upstreams.leased(slug, account_id=1, is_test=False, queue=a_queue())
    with pytest.raises(StopIteration) as ended:
        next(waiting)
    guard = ended.value.value
    return guard.__enter__(), lambda: guard.__exit__(None, None, None)
