"""Builds the adapter of one credential: here, and nowhere else, its secret is opened."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gateway import secret_box
from gateway.providers.base import Provider
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.openai_compatible.adapter import OpenAICompatible
from gateway.providers.yandexgpt.adapter import YandexGPT
from gateway.upstreams.pool import Credential

Own = Mapping[str, str]
"""The settings of a credential; the environment has those that are absent."""


class Adapter(Provider, Protocol):
    """A provider with connections of its own."""

    def close(self) -> None:
        """Drop the idle connections."""
        ...


def built(credential: Credential) -> Adapter:
    """Build the adapter.

    Raises ImproperlyConfigured, SecretUnreadable, ValueError, OSError.
    """
    if credential.sealed is not None:
        secret = secret_box.unseal(credential.sealed, owner=credential.id)
    else:
        given = _SECRETS_OF_ENVIRONMENT.get(credential.provider)
        secret = given() if given else ""
    build = _BUILD.get(credential.provider)
    return (
        _server(credential, secret) if build is None else build(secret, dict(credential.settings))
    )


def _gigachat(secret: str, own: Own) -> Adapter:
    return GigaChat(
        base_url=own.get("base_url", settings.GIGACHAT_BASE_URL),
        auth_url=own.get("auth_url", settings.GIGACHAT_AUTH_URL),
        credentials=secret,
        scope=own.get("scope", settings.GIGACHAT_SCOPE),
        ca_bundle_file=own.get("ca_bundle_file", settings.GIGACHAT_CA_BUNDLE_FILE) or None,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _yandexgpt(secret: str, own: Own) -> Adapter:
    folder_id = own.get("folder_id", settings.YANDEX_FOLDER_ID)
    if not folder_id:
        raise ImproperlyConfigured("YANDEX_FOLDER_ID is needed beside the Yandex credential.")
    key = _service_account_key(secret)
    return YandexGPT(
        base_url=own.get("base_url", settings.YANDEX_BASE_URL),
        iam_url=own.get("iam_url", settings.YANDEX_IAM_URL),
        folder_id=folder_id,
        api_key=None if key else secret,
        service_account_key=key,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _server(credential: Credential, secret: str) -> Adapter:
    if credential.server is None:
        raise ImproperlyConfigured(f"There is no provider {credential.provider}.")
    return OpenAICompatible(
        credential.provider,
        base_url=credential.server.base_url,
        api_key=secret or None,
        ca_bundle_file=credential.server.ca_bundle_file or None,
        connect_timeout_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.UPSTREAM_READ_TIMEOUT_S,
    )


def _service_account_key(secret: str) -> dict[str, str] | None:
    """Read a secret that is the key file of a service account; an API key is none."""
    if not secret.lstrip().startswith("{"):
        return None
    try:
        key: dict[str, str] = json.loads(secret)
    except ValueError as error:
        raise ImproperlyConfigured(f"The service account key is no JSON: {error}") from None
    return key


def _yandex_secret() -> str:
    if settings.YANDEX_API_KEY:
        return str(settings.YANDEX_API_KEY)
    try:
        return pathlib.Path(settings.YANDEX_SERVICE_ACCOUNT_KEY_FILE).read_text()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"YANDEX_SERVICE_ACCOUNT_KEY_FILE: {error}") from None


_BUILD: Mapping[str, Callable[[str, Own], Adapter]] = {
    "gigachat": _gigachat,
    "yandexgpt": _yandexgpt,
}
_SECRETS_OF_ENVIRONMENT: Mapping[str, Callable[[], str]] = {
    "gigachat": lambda: str(settings.GIGACHAT_CREDENTIALS),
    "yandexgpt": _yandex_secret,
}
