"""The providers that are built in, one entry each, and how an operator's OpenAI-compatible server is built.

A provider of a new wire is a folder here, an emulator in sandbox/, an entry in BUILT_IN, the migration
that keeps its slug from servers, and rows of the catalogue. Nothing here knows Django: variables of the
environment are read through a function of the caller's.
"""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from gateway.providers._shared.credentials import ApiKey
from gateway.providers.base import Adapter
from gateway.providers.by_wire import ByWire
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.gigachat.chat_form import AUTO
from gateway.providers.gigachat.files import IMAGE_LIMITS
from gateway.providers.gigachat.roots import extra_roots
from gateway.providers.image_limits import ImageLimits
from gateway.providers.openai_compatible.adapter import OpenAICompatible, ServerHabits
from gateway.providers.openai_listing import ListedModel
from gateway.providers.yandexgpt.adapter import YandexGPT

Variable = Callable[[str], str]
"""Returns what an environment variable says, "" where it is not set."""


class Timeouts(TypedDict, total=False):
    """The time limits of an adapter, its own where they are absent; `read_timeout_s` is the longest silence."""

    connect_timeout_s: float
    read_timeout_s: float


def no_extra_roots(url: str) -> Sequence[pathlib.Path]:
    """Trust what every client trusts."""
    return ()


@dataclass(frozen=True, slots=True)
class BuiltInProvider:
    """A built-in provider, its settings, and the names of the environment variables that hold them.

    `secret`, `secret_file` (a file with the secret) and `concurrency` (slots of the environment's
    credential) name variables. `settings` maps each setting of a credential to the variable used where the
    credential has none; `addresses` are the settings that decide where the secret is sent. `build` takes
    secret, settings and time-outs, and raises ValueError or OSError. `extra_roots` are the certificates
    trusted at an address beside the usual ones. One that `is_extra` has no models without a credential, not
    even emulated ones; `is_compatible` says that it speaks OpenAI's protocol. `compatible_path` is where that
    begins behind its `base_url`, None where it has no such API. `image_limits` say which images are
    taken; `blankless_wires` are the wires that leave blank messages out.
    """

    slug: str
    title: str
    secret: str
    concurrency: str
    settings: Mapping[str, str]
    addresses: frozenset[str]
    build: Callable[[str, Mapping[str, str], Timeouts], Adapter]
    secret_file: str = ""
    extra_roots: Callable[[str], Sequence[pathlib.Path]] = no_extra_roots
    is_extra: bool = False
    is_compatible: bool = False
    compatible_path: str | None = None
    image_limits: ImageLimits | None = None
    blankless_wires: frozenset[str] = frozenset()

    def has_secret(self, variable: Variable) -> bool:
        """Say whether the environment gives a credential."""
        return bool(variable(self.secret) or (self.secret_file and variable(self.secret_file)))

    def read_secret(self, variable: Variable) -> str:
        """Return the environment's secret. Raises ValueError where its file cannot be read."""
        if (secret := variable(self.secret)) or not self.secret_file:
            return secret
        try:
            return pathlib.Path(variable(self.secret_file)).read_text()
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.secret_file}: {error}") from None

    def complete(self, own: Mapping[str, str], variable: Variable) -> dict[str, str]:
        """Return all settings: a credential's own, and the environment's where it has none."""
        return {
            name: own[name] if name in own else variable(its_variable)
            for name, its_variable in self.settings.items()
        }


def title(slug: str) -> str:
    """Return what people call a provider; an operator's own server goes by its slug."""
    return BUILT_IN[slug].title if slug in BUILT_IN else slug


def image_limits(slug: str) -> ImageLimits | None:
    """Return which images a provider takes, None where nothing is known to be refused."""
    return BUILT_IN[slug].image_limits if slug in BUILT_IN else None


def leaves_blanks_out(slug: str, wire: str) -> bool:
    """Say whether a wire leaves blank messages out, so that a prompt of nothing else cannot be sent."""
    return slug in BUILT_IN and wire in BUILT_IN[slug].blankless_wires


def server(
    slug: str, *, base_url: str, api_key: str | None, ca_bundle_file: str, timeouts: Timeouts
) -> Adapter:
    """Build the adapter of an OpenAI-compatible server. Raises ValueError, OSError."""
    return OpenAICompatible(
        slug,
        base_url=base_url,
        api_key=api_key,
        ca_bundle_file=ca_bundle_file or None,
        **timeouts,
    )


def models_of(
    slug: str, *, base_url: str, api_key: str | None, timeout_s: float
) -> list[ListedModel]:
    """Ask an OpenAI-compatible server for its models, which is free. Raises ProviderError, ValueError."""
    asked = OpenAICompatible(slug, base_url=base_url, api_key=api_key)
    try:
        return asked.models(timeout_s=timeout_s)
    finally:
        asked.close()


def _gigachat(secret: str, settings: Mapping[str, str], timeouts: Timeouts) -> Adapter:
    return GigaChat(
        base_url=settings["base_url"],
        auth_url=settings["auth_url"],
        credentials=secret,
        scope=settings["scope"],
        chat_form=(settings["chat_form"] or AUTO).lower(),
        ca_bundle_file=settings["ca_bundle_file"] or None,
        **timeouts,
    )


def _yandexgpt(secret: str, settings: Mapping[str, str], timeouts: Timeouts) -> Adapter:
    """Build the adapters of an API key, or of the key file of a service account, which is JSON.

    Models that the native API lacks are served by the compatible one at the same address.
    """
    if not settings["folder_id"]:
        raise ValueError("YANDEX_FOLDER_ID is needed beside the Yandex credential.")
    key: dict[str, str] | None = None
    if secret.lstrip().startswith("{"):
        try:
            key = json.loads(secret)
        except ValueError as error:
            raise ValueError(f"The service account key is no JSON: {error}") from None
    folder_id = settings["folder_id"]
    native = YandexGPT(
        base_url=settings["base_url"],
        iam_url=settings["iam_url"],
        folder_id=folder_id,
        api_key=None if key else secret,
        service_account_key=key,
        **timeouts,
    )
    folder = folder_id.replace("{", "{{").replace("}", "}}")
    compatible = OpenAICompatible(
        native.name,
        base_url=f"{settings['base_url'].rstrip('/')}/v1",
        credential=native.credential if key else ApiKey(secret),
        habits=ServerHabits(
            chat_model=f"gpt://{folder}/{{}}",
            embedding_model=f"emb://{folder}/{{}}",
            deny_headers={"x-data-logging-enabled": "false"},
            texts_max=1,
            secrets=(folder_id,),
            named_tools=False,  # documented and seen working are none, auto and required
            blank_messages=False,
        ),
        **timeouts,
    )
    return ByWire(native, {"openai": compatible})


def _cloudru(secret: str, settings: Mapping[str, str], timeouts: Timeouts) -> Adapter:
    return OpenAICompatible("cloudru", base_url=settings["base_url"], api_key=secret, **timeouts)


_ALL = (
    BuiltInProvider(
        slug="gigachat",
        title="GigaChat",
        secret="GIGACHAT_CREDENTIALS",  # noqa: S106 -- the name of a variable
        concurrency="GIGACHAT_CONCURRENCY",
        settings={
            "scope": "GIGACHAT_SCOPE",
            "chat_form": "GIGACHAT_CHAT_FORM",
            "base_url": "GIGACHAT_BASE_URL",
            "auth_url": "GIGACHAT_AUTH_URL",
            "ca_bundle_file": "GIGACHAT_CA_BUNDLE_FILE",
        },
        addresses=frozenset({"base_url", "auth_url", "ca_bundle_file"}),
        build=_gigachat,
        extra_roots=extra_roots,
        image_limits=IMAGE_LIMITS,
    ),
    BuiltInProvider(
        slug="yandexgpt",
        title="YandexGPT",
        secret="YANDEX_API_KEY",  # noqa: S106 -- the name of a variable
        secret_file="YANDEX_SERVICE_ACCOUNT_KEY_FILE",  # noqa: S106 -- the name of a variable
        concurrency="YANDEX_CONCURRENCY",
        settings={
            "folder_id": "YANDEX_FOLDER_ID",
            "base_url": "YANDEX_BASE_URL",
            "iam_url": "YANDEX_IAM_URL",
        },
        addresses=frozenset({"base_url", "iam_url"}),
        build=_yandexgpt,
        compatible_path="/v1",
        blankless_wires=frozenset({"", "openai"}),
    ),
    BuiltInProvider(
        slug="cloudru",
        title="Cloud.ru",
        secret="CLOUDRU_API_KEY",  # noqa: S106 -- the name of a variable
        concurrency="CLOUDRU_CONCURRENCY",
        settings={"base_url": "CLOUDRU_BASE_URL"},
        addresses=frozenset({"base_url"}),
        build=_cloudru,
        is_extra=True,
        is_compatible=True,
        compatible_path="",
    ),
)
BUILT_IN: Mapping[str, BuiltInProvider] = {provider.slug: provider for provider in _ALL}
