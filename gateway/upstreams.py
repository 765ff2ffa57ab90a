"""The composition root: settings → the providers of this process, real ones or the sandbox's."""

import contextlib
import json
import pathlib
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gateway.providers.base import Provider
from gateway.providers.chat_types import ChatChunk
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.yandexgpt.adapter import YandexGPT
from gateway.sandbox import credentials
from gateway.sandbox.server import Sandbox

ENVIRONMENT = "environment"

_lock = threading.RLock()
_providers: dict[tuple[str, bool], Provider] = {}
_sandbox: Sandbox | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A provider that may be asked now; `credential` names which of its credentials is used."""

    provider: Provider
    credential: str


def leased(
    slug: str, *, account_id: int, is_test: bool
) -> Generator[ChatChunk, None, contextlib.AbstractContextManager[Lease]]:
    """Yield ticks while a slot of the provider is waited for, then return it, to be given back."""
    yield from ()
    return _lease(slug, is_test=is_test)


@contextlib.contextmanager
def _lease(slug: str, *, is_test: bool) -> Iterator[Lease]:
    yield Lease(provider(slug, is_test=is_test), ENVIRONMENT)


def with_credentials() -> frozenset[str]:
    """Return the slugs of the providers that have credentials."""
    return frozenset(
        slug for slug, has_credentials in _HAVE_CREDENTIALS.items() if has_credentials()
    )


def served(*, is_test: bool) -> frozenset[str]:
    """Return the slugs that are served.

    A provider without credentials is served by the sandbox: for test keys, and when no provider has any.
    """
    everything = frozenset(_BUILD)
    return everything if is_test else with_credentials() or everything


def is_sandboxed(*, is_test: bool) -> bool:
    """Say whether the sandbox answers: for test keys, and when no provider has credentials."""
    return is_test or not with_credentials()


def provider(slug: str, *, is_test: bool) -> Provider:
    """Return the provider of this process for `slug`; the sandbox's for a test key."""
    key = (slug, is_sandboxed(is_test=is_test))
    found = _providers.get(key)
    if found is None:
        with _lock:
            found = _providers.get(key)
            if found is None:
                build = _BUILD_SANDBOXED if key[1] else _BUILD
                found = _providers[key] = build[slug]()
    return found


def sandbox() -> Sandbox:
    """Return this process's sandbox, started at the first call on loopback ports of its own."""
    global _sandbox
    with _lock:
        if _sandbox is None:
            _sandbox = Sandbox()
            _sandbox.start()
        return _sandbox


def _gigachat() -> Provider:
    return GigaChat(
        base_url=settings.GIGACHAT_BASE_URL,
        auth_url=settings.GIGACHAT_AUTH_URL,
        credentials=settings.GIGACHAT_CREDENTIALS,
        scope=settings.GIGACHAT_SCOPE,
        ca_bundle_file=settings.GIGACHAT_CA_BUNDLE_FILE or None,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _yandexgpt() -> Provider:
    if not settings.YANDEX_FOLDER_ID:
        raise ImproperlyConfigured("YANDEX_FOLDER_ID is needed beside the Yandex credential.")
    return YandexGPT(
        base_url=settings.YANDEX_BASE_URL,
        iam_url=settings.YANDEX_IAM_URL,
        folder_id=settings.YANDEX_FOLDER_ID,
        api_key=settings.YANDEX_API_KEY or None,
        service_account_key=_service_account_key(),
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _service_account_key() -> dict[str, str] | None:
    path = settings.YANDEX_SERVICE_ACCOUNT_KEY_FILE
    if not path or settings.YANDEX_API_KEY:
        return None
    try:
        key: dict[str, str] = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"YANDEX_SERVICE_ACCOUNT_KEY_FILE: {error}") from None
    return key


def _sandboxed_gigachat() -> Provider:
    origin = sandbox().gigachat_origin
    return GigaChat(
        base_url=f"{origin}/v1",
        auth_url=f"{origin}/api/v2/oauth",
        credentials=credentials.GIGACHAT_CREDENTIALS,
        scope=credentials.GIGACHAT_SCOPE,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _sandboxed_yandexgpt() -> Provider:
    origin = sandbox().yandex_origin
    return YandexGPT(
        base_url=origin,
        iam_url=f"{origin}/iam/v1/tokens",
        folder_id=credentials.YANDEX_FOLDER_ID,
        api_key=credentials.YANDEX_API_KEY,
        service_account_key=None,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


_HAVE_CREDENTIALS: dict[str, Callable[[], bool]] = {
    "gigachat": lambda: bool(settings.GIGACHAT_CREDENTIALS),
    "yandexgpt": lambda: bool(settings.YANDEX_API_KEY or settings.YANDEX_SERVICE_ACCOUNT_KEY_FILE),
}
_BUILD: dict[str, Callable[[], Provider]] = {"gigachat": _gigachat, "yandexgpt": _yandexgpt}
_BUILD_SANDBOXED: dict[str, Callable[[], Provider]] = {
    "gigachat": _sandboxed_gigachat,
    "yandexgpt": _sandboxed_yandexgpt,
}
