"""The emulated OpenAI-compatible server: its paths, its key and its refusals, as of a strict vLLM.

Source: OpenAI's API reference; docs.vllm.ai, serving/openai_compatible_server; November 2026.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from sandbox.core.controls import Settings
from sandbox.core.conversation import Reply
from sandbox.core.credentials import OPENAI_COMPATIBLE_API_KEY
from sandbox.core.embedding import embed
from sandbox.core.exchange import (
    ProviderName,
    Reported,
    SandboxRefusal,
    SandboxRequest,
    SandboxResponse,
    json_answer,
)
from sandbox.core.fields import WrongField, as_list, as_one_of, as_text, as_whole, only_known
from sandbox.core.markers import read_markers
from sandbox.core.prompt_cache import PromptCache
from sandbox.core.scenario import Scenario
from sandbox.core.tokens import count_prompt_tokens, count_tokens, cut_tokens
from sandbox.openai_compatible.answer import OpenAIWriter
from sandbox.openai_compatible.models import CARDS, OpenAIModelCard
from sandbox.openai_compatible.request import OpenAIChatRequest, read_chat

_TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
_THOUGHTS = "Посмотрим, о чём спрашивают, и ответим по существу."


class OpenAICompatibleEmulator:
    """Answers as `vllm serve --api-key KEY` does, under the path `/v1`."""

    name: ProviderName = "openai_compatible"
    title = "OpenAI-compatible server"
    port_name = "openai"
    port = 9803

    def __init__(
        self,
        settings: Settings,
        scenario: Scenario,
        cards: Mapping[str, OpenAIModelCard] = CARDS,
    ) -> None:
        self._cards = cards
        self._settings = settings
        self._scenario = scenario
        self._cache = PromptCache()

    def environment(self, origin: str) -> dict[str, str]:
        """Return nothing: an operator adds such a server by a row, with `origin`/v1 and the key."""
        return {}

    def answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        """Answer a request, be it by refusing it."""
        try:
            answer = self._routed(request)
        except SandboxRefusal as refusal:
            answer = refusal.answer
        except WrongField as wrong:
            answer = self.refuse(400, str(wrong)).answer
        return replace(answer, headers=(("X-Request-Id", request.request_id), *answer.headers))

    def refuse(self, status: int, message: str | None = None) -> SandboxRefusal:
        """Return a refusal in OpenAI's envelope, with the status for a code."""
        error = {
            "message": message or HTTPStatus(status).phrase,
            "type": _TYPES.get(status, "InternalServerError"),
            "param": None,
            "code": status,
        }
        return SandboxRefusal(json_answer({"error": error}, status))

    def _routed(self, request: SandboxRequest) -> SandboxResponse:
        if request.steps[:1] != ["v1"]:
            raise _detailed(404)
        if request.headers.get("authorization") != f"Bearer {OPENAI_COMPATIBLE_API_KEY}":
            raise SandboxRefusal(json_answer({"error": "Unauthorized"}, 401))
        match request.method, request.steps[1:]:
            case "POST", ["chat", "completions"]:
                return self._chat(request)
            case "POST", ["embeddings"]:
                return self._embeddings(self._body(request))
            case "GET", ["models"]:
                cards = [card.listed() for card in self._cards.values()]
                return json_answer({"object": "list", "data": cards})
            case "GET", ["models", model]:
                return json_answer(self._card(model).listed())
            case _, ["chat", "completions"] | ["embeddings"] | ["models", *_]:
                raise _detailed(405)
            case _:
                raise _detailed(404)

    def _body(self, request: SandboxRequest) -> dict[str, Any]:
        """Return the JSON object that was posted."""
        if request.media_type != "application/json":
            raise WrongField("Unsupported Media Type: Only 'application/json' is allowed")
        try:
            body = request.json()
        except (ValueError, RecursionError):
            raise WrongField("JSON decode error") from None
        if not isinstance(body, dict):
            raise WrongField("Input should be a valid dictionary")
        return body

    def _card(self, model: str) -> OpenAIModelCard:
        card = self._cards.get(model)
        if card is None:
            raise self.refuse(404, f"The model `{model}` does not exist.")
        return card

    def _chat(self, request: SandboxRequest) -> SandboxResponse:
        body = self._body(request)
        card = self._card(as_text(body.get("model"), "model"))
        if card.embedding_size:
            raise WrongField("The model does not support Chat Completions API")
        chat = read_chat(body, card, strict=self._settings.strict)
        prompt = chat.conversation.prompt()
        prompt_tokens = count_prompt_tokens(prompt)
        limit_tokens = self._room(card, prompt_tokens, chat.conversation.max_tokens)
        # Whose prompt begins alike finds it cached, whoever asks.
        cached_tokens = self._cache.cached_tokens(f"{card.id} {prompt[0]}", prompt)
        thoughts, was_cut = cut_tokens(
            _THOUGHTS if card.reasoning and chat.reasons else "", limit_tokens
        )
        left_tokens = limit_tokens - count_tokens(thoughts)
        conversation = replace(chat.conversation, max_tokens=left_tokens)
        markers = read_markers(conversation)
        reply = self._scenario.reply(conversation, markers)
        if was_cut:
            reply = Reply(finish="length")
        writer = OpenAIWriter(
            model=card.id,
            identity=request.request_id.replace("-", ""),
            reply=_stopped(reply, chat),
            thoughts=thoughts,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
            interval_s=self._settings.interval_s,
            tells_usage=chat.tells_usage,
            is_forced=conversation.forced_tool is not None,
            forgetful=card.forgetful,
        )
        answer = writer.stream() if chat.stream else writer.plain()
        for fault in markers.faults():
            answer = fault.change(answer, self)
        return answer

    def _room(self, card: OpenAIModelCard, prompt_tokens: int, wanted_tokens: int | None) -> int:
        """Return the tokens that an answer may have; more than fit are refused, not cut."""
        room_tokens = card.context_tokens - prompt_tokens
        if room_tokens < (wanted_tokens or 1):
            raise WrongField(
                f"This model's maximum context length is {card.context_tokens} tokens. However, you "
                f"requested {wanted_tokens or 0} output tokens and your prompt contains "
                f"{prompt_tokens} input tokens."
            )
        return wanted_tokens or room_tokens

    def _embeddings(self, body: dict[str, Any]) -> SandboxResponse:
        known = ("model", "input", "encoding_format", "user", "dimensions")
        only_known(body, known, "the request", strict=self._settings.strict)
        card = self._card(as_text(body.get("model"), "model"))
        if not card.embedding_size:
            raise WrongField("The model does not support Embeddings API")
        as_one_of(body.get("encoding_format", "float"), "encoding_format", ("float",))
        given = body.get("input")
        listed = [given] if isinstance(given, str) else as_list(given, "input")
        texts = [as_text(text, "input", empty=False) for text in listed]
        counts = [count_tokens(text) for text in texts]
        if max(counts) > card.context_tokens:
            raise WrongField(
                f"This model's maximum context length is {card.context_tokens} tokens. However, you "
                f"requested {max(counts)} tokens in the input for embedding generation."
            )
        size = card.embedding_size
        if "dimensions" in body:
            size = as_whole(body["dimensions"], "dimensions", 1, 2**31)
            if size not in card.sizes:
                raise WrongField(f"The model has no vectors of {size} dimensions.")
        data = [
            {"index": index, "object": "embedding", "embedding": embed(text, size)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        listing = {"object": "list", "model": card.id, "data": data, "usage": usage}
        return json_answer(listing, usage=Reported(sum(counts), 0))


def _stopped(reply: Reply, chat: OpenAIChatRequest) -> Reply:
    """End a reply before the first of the stop sequences."""
    places = [place for sequence in chat.stop if (place := reply.text.find(sequence)) >= 0]
    return replace(reply, text=reply.text[: min(places)], finish="stop") if places else reply


def _detailed(status: int) -> SandboxRefusal:
    """Return a refusal of the framework, which knows nothing of OpenAI."""
    return SandboxRefusal(json_answer({"detail": HTTPStatus(status).phrase}, status))
