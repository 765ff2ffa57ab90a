"""Both adapters before a running sandbox, each with the profile that its models have in the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.pipeline.emulation.answer import Complete
from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.providers.gigachat.adapter import GigaChat
from gateway.providers.profile import ModelProfile
from gateway.providers.yandexgpt.adapter import YandexGPT
from sandbox.core.credentials import (
    GIGACHAT_CREDENTIALS,
    GIGACHAT_SCOPE,
    YANDEX_API_KEY,
    YANDEX_FOLDER_ID,
)
from sandbox.server import Sandbox
from tests.pipeline.wrapper_chats import EMULATED, HALF_NATIVE, NATIVE, route

ROUTES = ("gigachat", "gigachat in words", "yandexgpt", "yandexgpt in words")


@dataclass
class Routes:
    """A route by its name: `in words` takes the model for one without tools and formats of its own."""

    sandbox: Sandbox
    gigachat: GigaChat
    yandexgpt: YandexGPT

    def __getitem__(self, name: str) -> Complete:
        provider, _, words = name.partition(" ")
        profile: ModelProfile = NATIVE if provider == "yandexgpt" else HALF_NATIVE
        asked = (
            route(self.yandexgpt, "yandexgpt/latest")
            if provider == "yandexgpt"
            else route(self.gigachat, "GigaChat-2")
        )
        return with_wrappers(asked, EMULATED if words else profile, provider=provider)


@contextmanager
def running_routes() -> Iterator[Routes]:
    with Sandbox() as sandbox:
        gigachat = GigaChat(
            base_url=f"{sandbox.gigachat_origin}/api/v1",
            auth_url=f"{sandbox.gigachat_origin}/api/v2/oauth",
            credentials=GIGACHAT_CREDENTIALS,
            scope=GIGACHAT_SCOPE,
        )
        yandexgpt = YandexGPT(
            base_url=sandbox.yandex_origin, folder_id=YANDEX_FOLDER_ID, api_key=YANDEX_API_KEY
        )
        try:
            yield Routes(sandbox, gigachat, yandexgpt)
        finally:
            gigachat.close()
            yandexgpt.close()
