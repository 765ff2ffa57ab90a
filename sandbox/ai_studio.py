"""The emulated Yandex AI Studio: the native API, and OpenAI's protocol beside it at the same address.

Source: YandexGPT reference of November 2026, section 12: model names are whole URIs, keys go as Bearer or
Api-Key, tool_choice is a word, no message is blank, generations of both APIs share one gauge.
"""

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from sandbox.core.controls import Settings
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY, YANDEX_API_KEY
from sandbox.core.exchange import ProviderName, SandboxRefusal, SandboxRequest, SandboxResponse
from sandbox.core.scenario import Scenario
from sandbox.openai_compatible.emulator import OpenAICompatibleEmulator
from sandbox.openai_compatible.models import OpenAIModelCard
from sandbox.yandexgpt.emulator import YandexGPTEmulator
from sandbox.yandexgpt.iam import ServiceAccounts
from sandbox.yandexgpt.models import parse_uri

_V2_SIZES = (128, 256, 512, 768)
_ALL = (
    OpenAIModelCard("aliceai-llm", 32_768, forgetful=True),
    OpenAIModelCard("aliceai-llm-flash", 65_536, forgetful=True),
    OpenAIModelCard("yandexgpt-5.1", 32_768),
    OpenAIModelCard("yandexgpt-5-pro", 32_768),
    OpenAIModelCard("yandexgpt-5-lite", 32_768),
    OpenAIModelCard("deepseek-v4-flash", 1_048_576, reasoning=True),
    OpenAIModelCard("deepseek-v4.1-flash", 1_048_576, images=10, reasoning=True),
    OpenAIModelCard("deepseek-v32", 131_072),
    OpenAIModelCard("qwen3.6-35b-a3b", 262_144, images=10, reasoning=True),
    OpenAIModelCard("qwen3-235b-a22b-fp8", 262_144),
    OpenAIModelCard("gemma-3-27b-it", 131_072, images=4),
    OpenAIModelCard("text-search-doc", 2_000, embedding_size=256),
    OpenAIModelCard("text-search-query", 2_000, embedding_size=256),
    OpenAIModelCard("text-embeddings-v2-doc", 8_192, embedding_size=256, sizes=_V2_SIZES),
    OpenAIModelCard("text-embeddings-v2-query", 8_192, embedding_size=256, sizes=_V2_SIZES),
)
_GENERATIONS = ["v1", "chat", "completions"]
_EMBEDDINGS = ["v1", "embeddings"]


class AIStudioEmulator:
    """Answers as `llm.api.cloud.yandex.net`, its operations and `iam.api.cloud.yandex.net` do."""

    name: ProviderName = "yandexgpt"
    title = YandexGPTEmulator.title
    port_name = YandexGPTEmulator.port_name
    port = YandexGPTEmulator.port

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self._native = YandexGPTEmulator(settings, scenario)
        cards = {card.id: card for card in _ALL}
        self._compatible = OpenAICompatibleEmulator(settings, scenario, cards)

    @property
    def service_accounts(self) -> ServiceAccounts:
        """The keys of service accounts that this emulator accepts."""
        return self._native.service_accounts

    def environment(self, origin: str) -> dict[str, str]:
        """Return the environment variables that point XRouter here."""
        return self._native.environment(origin)

    def refuse(self, status: int, message: str | None = None) -> SandboxRefusal:
        """Return a refusal in the envelope of both APIs."""
        return self._native.refuse(status, message)

    def answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        """Answer a request, be it by refusing it."""
        if request.steps[:1] != ["v1"]:
            return self._native.answer(request, held)
        try:
            return self._compatible.answer(self._readdressed(request, held), held)
        except SandboxRefusal as refusal:
            return refusal.answer

    def _readdressed(self, request: SandboxRequest, held: ExitStack) -> SandboxRequest:
        """Check the key and the model's URI, take a slot, and name key and model as the server does."""
        header = request.headers.get("authorization", "")
        if header != f"Bearer {YANDEX_API_KEY}":
            self._native.check_credential(header)
        body = request.body
        if request.steps in (_GENERATIONS, _EMBEDDINGS):
            fields = self._fields(request)
            scheme = "gpt" if request.steps == _GENERATIONS else "emb"
            named = str(fields.get("model"))
            uri = parse_uri(named, "gpt" if scheme == "gpt" else "emb")
            if uri is None:
                raise self.refuse(400, f"Failed to parse model URI: {named}")
            self._native.check_folder(uri.folder)
            if scheme == "emb" and not isinstance(fields.get("input"), str):
                raise self.refuse(400, "input must be one string")
            if not isinstance(fields.get("tool_choice", "auto"), str):
                raise self.refuse(400, "tool_choice must be none, auto or required")
            if scheme == "gpt" and any(map(_is_blank, fields.get("messages") or ())):
                raise self.refuse(400, "empty message text")
            if scheme == "gpt":
                self._native.take_slot(held)
            body = json.dumps({**fields, "model": uri.model}).encode()
        headers = {**request.headers, "authorization": f"Bearer {OPENAI_COMPATIBLE_API_KEY}"}
        return replace(request, headers=headers, body=body)

    def _fields(self, request: SandboxRequest) -> dict[str, Any]:
        try:
            fields = request.json()
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise self.refuse(400, "invalid JSON in the request body")
        return fields


def _is_blank(message: Any) -> bool:
    """Say whether a message has neither text nor calls; a tool's result may be empty."""
    if not isinstance(message, dict) or message.get("role") == "tool" or message.get("tool_calls"):
        return False
    content = message.get("content")
    return content is None or (isinstance(content, str) and not content.strip())
