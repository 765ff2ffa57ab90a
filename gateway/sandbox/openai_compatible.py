"""The emulated OpenAI-compatible server: its paths, its key and its refusals, as of a strict vLLM.

Source: OpenAI's API reference; docs.vllm.ai, serving/openai_compatible_server; November 2026.
"""

from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from gateway.sandbox.controls import Settings
from gateway.sandbox.conversation import Reply
from gateway.sandbox.credentials import OPENAI_COMPATIBLE_API_KEY
from gateway.sandbox.embedding import embed
from gateway.sandbox.exchange import (
    Answer,
    ProviderName,
    Refusal,
    Reported,
    Request,
    json_answer,
)
from gateway.sandbox.fields import WrongField, as_list, as_one_of, as_text, only_known
from gateway.sandbox.markers import read_markers
from gateway.sandbox.openai_compatible_answer import Writer
from gateway.sandbox.openai_compatible_models import CARDS, Card
from gateway.sandbox.openai_compatible_request import ChatRequest, read_chat
from gateway.sandbox.prompt_cache import PromptCache
from gateway.sandbox.script import Script
from gateway.sandbox.tokens import count_prompt_tokens, count_tokens, cut_tokens

_TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
_THOUGHTS = "Посмотрим, о чём спрашивают, и ответим по существу."


class OpenAICompatible:
    """Answers as `vllm serve --api-key KEY` does, under the path `/v1`."""

    name: ProviderName = "openai_compatible"

    def __init__(self, settings: Settings, script: Script) -> None:
        self._settings = settings
        self._script = script
        self._cache = PromptCache()

    def answer(self, request: Request, held: ExitStack) -> Answer:
        """Answer a request, be it by refusing it."""
        try:
            answer = self._routed(request)
        except Refusal as refusal:
            answer = refusal.answer
        except WrongField as wrong:
            answer = self.refuse(400, str(wrong)).answer
        return replace(answer, headers=(("X-Request-Id", request.request_id), *answer.headers))

    def refuse(self, status: int, message: str | None = None) -> Refusal:
        """Return a refusal in OpenAI's envelope, with the status for a code."""
        error = {
            "message": message or HTTPStatus(status).phrase,
            "type": _TYPES.get(status, "InternalServerError"),
            "param": None,
            "code": status,
        }
        return Refusal(json_answer({"error": error}, status))

    def _routed(self, request: Request) -> Answer:
        if request.steps[:1] != ["v1"]:
            raise _detailed(404)
        if request.headers.get("authorization") != f"Bearer {OPENAI_COMPATIBLE_API_KEY}":
            raise Refusal(json_answer({"error": "Unauthorized"}, 401))
        match request.method, request.steps[1:]:
            case "POST", ["chat", "completions"]:
                return self._chat(request)
            case "POST", ["embeddings"]:
                return self._embeddings(self._body(request))
            case "GET", ["models"]:
                cards = [card.listed() for card in CARDS.values()]
                return json_answer({"object": "list", "data": cards})
            case "GET", ["models", model]:
                return json_answer(self._card(model).listed())
            case _, ["chat", "completions"] | ["embeddings"] | ["models", *_]:
                raise _detailed(405)
            case _:
                raise _detailed(404)

    def _body(self, request: Request) -> dict[str, Any]:
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

    def _card(self, model: str) -> Card:
        card = CARDS.get(model)
        if card is None:
            raise self.refuse(404, f"The model `{model}` does not exist.")
        return card

    def _chat(self, request: Request) -> Answer:
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
        thoughts, was_cut = cut_tokens(_THOUGHTS if card.reasoning else "", limit_tokens)
        left_tokens = limit_tokens - count_tokens(thoughts)
        conversation = replace(chat.conversation, max_tokens=left_tokens)
        markers = read_markers(conversation)
        reply = self._script.reply(conversation, markers)
        if was_cut:
            reply = Reply(finish="length")
        writer = Writer(
            model=card.id,
            identity=request.request_id.replace("-", ""),
            reply=_stopped(reply, chat),
            thoughts=thoughts,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
            interval_s=self._settings.interval_s,
            tells_usage=chat.tells_usage,
            is_forced=conversation.forced_tool is not None,
        )
        answer = writer.stream() if chat.stream else writer.plain()
        for fault in markers.faults():
            answer = fault.change(answer, self)
        return answer

    def _room(self, card: Card, prompt_tokens: int, wanted_tokens: int | None) -> int:
        """Return the tokens that an answer may have; more than fit are refused, not cut."""
        room_tokens = card.context_tokens - prompt_tokens
        if room_tokens < (wanted_tokens or 1):
            raise WrongField(
                f"This model's maximum context length is {card.context_tokens} tokens. However, you "
                f"requested {wanted_tokens or 0} output tokens and your prompt contains "
                f"{prompt_tokens} input tokens."
            )
        return wanted_tokens or room_tokens

    def _embeddings(self, body: dict[str, Any]) -> Answer:
        known = ("model", "input", "encoding_format", "user")
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
        data = [
            {"index": index, "object": "embedding", "embedding": embed(text, card.embedding_size)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
        listing = {"object": "list", "model": card.id, "data": data, "usage": usage}
        return json_answer(listing, usage=Reported(sum(counts), 0))


def _stopped(reply: Reply, chat: ChatRequest) -> Reply:
    """End a reply before the first of the stop sequences."""
    places = [place for one in chat.stop if (place := reply.text.find(one)) >= 0]
    return replace(reply, text=reply.text[: min(places)], finish="stop") if places else reply


def _detailed(status: int) -> Refusal:
    """Return a refusal of the framework, which knows nothing of OpenAI."""
    return Refusal(json_answer({"detail": HTTPStatus(status).phrase}, status))
