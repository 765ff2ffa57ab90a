"""The emulated GigaChat: its paths, headers and refusals.

Source: GigaChat reference of November 2026, sections 3 to 11, that of the second chat form, and recorded
answers.
"""

import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from sandbox.core.controls import NoFreeSlot, Settings, Slots
from sandbox.core.conversation import Conversation, Reply
from sandbox.core.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE
from sandbox.core.embedding import embed
from sandbox.core.exchange import (
    Piece,
    ProviderName,
    Reported,
    SandboxRefusal,
    SandboxRequest,
    SandboxResponse,
    json_answer,
    page_answer,
)
from sandbox.core.fields import WrongField, WrongType, as_list, as_text, only_known
from sandbox.core.markers import Markers, read_markers
from sandbox.core.multipart import NotMultipart, parse_form
from sandbox.core.prompt_cache import PromptCache
from sandbox.core.scenario import Scenario
from sandbox.core.tokens import count_prompt_tokens, count_tokens
from sandbox.gigachat.answer import GigaChatWriter
from sandbox.gigachat.auth import Gatekeeper
from sandbox.gigachat.files import FileStore, FileTooLarge, StoredFile
from sandbox.gigachat.models import CARDS, GigaChatModelCard
from sandbox.gigachat.request import GigaChatChatRequest, read_chat
from sandbox.gigachat.v2_answer import GigaChatV2Writer
from sandbox.gigachat.v2_refusals import V2Refused
from sandbox.gigachat.v2_request import GigaChatV2ChatRequest, read_v2_chat

_BASES = (["api", "v1"], ["v1"])
_SECOND_FORM = (["api", "v2", "chat", "completions"], ["v2", "chat", "completions"])
_SECOND_BASES = (["api", "v2"], ["v2"])
_THOUGHTS = "Сначала поймём, о чём спрашивают, потом ответим."
_NAMESPACE = uuid.UUID("5a11db0e-0000-4000-8000-000000000005")
_MESSAGES = {
    400: "Your request contains invalid JSON syntax.",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Permission denied",
    404: "No such model",
    405: "Method Not Allowed",
    413: "Payload too large",
    415: "Unsupported Media Type",
    429: "Too many requests",
    500: "Internal Server Error",
}


class GigaChatEmulator:
    """Answers as `ngw.devices.sberbank.ru` and `api.giga.chat` do."""

    name: ProviderName = "gigachat"
    title = "GigaChat"
    port_name = "gigachat"
    port = 9801

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self._settings = settings
        self._scenario = scenario
        self._gatekeeper = Gatekeeper(settings)
        self._files = FileStore()
        self._cache = PromptCache()
        self._slots = Slots(lambda: settings.gigachat_parallel)

    def environment(self, origin: str) -> dict[str, str]:
        """Return the environment variables that point XRouter here."""
        return {
            "GIGACHAT_CREDENTIALS": GIGACHAT_CREDENTIALS,
            "GIGACHAT_SCOPE": GIGACHAT_SCOPE,
            "GIGACHAT_AUTH_URL": f"{origin}/api/v2/oauth",
            "GIGACHAT_BASE_URL": f"{origin}/v1",
        }

    def answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        """Answer a request, be it by refusing it."""
        headers = (
            ("X-Request-ID", request.request_id),
            ("X-Session-ID", request.headers.get("x-session-id") or str(uuid.uuid4())),
        )
        try:
            answer = self._routed(request, held)
        except SandboxRefusal as refusal:
            answer = refusal.answer
        except WrongField as wrong:
            answer = self.refuse(422, f"Invalid params: {wrong}").answer
        return replace(answer, headers=(*headers, *answer.headers))

    def refuse(self, status: int, message: str | None = None) -> SandboxRefusal:
        """Return a refusal of the API (the OAuth endpoint has a shape of its own)."""
        text = message or _MESSAGES.get(status, _MESSAGES[500])
        return SandboxRefusal(json_answer({"status": status, "message": text}, status))

    def _routed(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        if request.steps == ["api", "v2", "oauth"]:
            self._expect_method(request, "POST")
            return self._gatekeeper.give_token(request)
        if request.steps in _SECOND_FORM and self._settings.gigachat_second_form:
            self._check_access(request)
            return self._second_chat(request, held)
        if any(request.steps[: len(base)] == base for base in _SECOND_BASES):
            return page_answer(403)
        base = next((base for base in _BASES if request.steps[: len(base)] == base), None)
        if base is None:
            return page_answer(404)
        self._check_access(request)
        match request.steps[len(base) :]:
            case ["chat", "completions"]:
                return self._chat(request, held)
            case ["models", *model]:
                self._expect_method(request, "GET")
                return self._models(model)
            case ["tokens", "count"]:
                return self._count(self._body(request))
            case ["embeddings"]:
                return self._embeddings(self._body(request))
            case ["files", *steps]:
                return self._file_call(request, steps)
            case ["balance"]:
                self._expect_method(request, "GET")
                models = ("GigaChat", "GigaChat-Pro", "GigaChat-Max", "embeddings")
                return json_answer({"balance": [{"usage": m, "value": 900_000} for m in models]})
            case _:
                return page_answer(404)

    def _check_access(self, request: SandboxRequest) -> None:
        if not request.headers.get("user-agent"):
            raise self.refuse(403, "Unauthorized")
        if (fault := self._gatekeeper.token_fault(request)) is not None:
            raise self.refuse(401, fault)

    def _expect_method(self, request: SandboxRequest, method: str) -> None:
        if request.method != method:
            raise self.refuse(405)

    def _body(self, request: SandboxRequest) -> dict[str, Any]:
        """Return the JSON object that was posted."""
        self._expect_method(request, "POST")
        if request.media_type != "application/json":
            raise self.refuse(415)
        try:
            body = request.json()
        except (ValueError, RecursionError):
            raise self.refuse(400) from None
        if not isinstance(body, dict):
            raise self.refuse(400)
        return body

    def _chat(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        body = self._body(request)
        card = self._card(body, "chat")
        chat = read_chat(body, card, self._files, strict=self._settings.strict)
        cached_tokens = self._taken(request, card, chat.conversation, held)
        return self._replied(card, chat, cached_tokens)

    def _second_chat(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        try:
            body = self._body(request)
            card = self._card(body, "chat")
            chat = read_v2_chat(body, card, self._files, strict=self._settings.strict)
        except WrongType:
            raise self.refuse(400) from None
        except V2Refused as refused:
            raise self.refuse(refused.status, refused.message) from None
        cached_tokens = self._taken(request, card, chat.conversation, held)
        return self._second_replied(card, chat, cached_tokens)

    def _taken(
        self,
        request: SandboxRequest,
        card: GigaChatModelCard,
        conversation: Conversation,
        held: ExitStack,
    ) -> int:
        """Take a slot for a prompt that fits; return how many of its tokens are cached."""
        prompt = conversation.prompt()
        if count_prompt_tokens(prompt) > card.context_tokens:
            raise self.refuse(413)
        try:
            held.enter_context(self._slots.taken())
        except NoFreeSlot:
            raise self.refuse(429) from None
        return self._cache.cached_tokens(request.headers.get("x-session-id"), prompt)

    def _said(
        self, card: GigaChatModelCard, conversation: Conversation
    ) -> tuple[Reply, Markers, int]:
        """Return what the model replies, the user's marker words, and the tokens of the prompt."""
        prompt_tokens = count_prompt_tokens(conversation.prompt())
        room_tokens = card.context_tokens - prompt_tokens
        limit_tokens = min(conversation.max_tokens or room_tokens, room_tokens)
        limited = replace(conversation, max_tokens=limit_tokens)
        markers = read_markers(limited)
        return self._scenario.reply(limited, markers), markers, prompt_tokens

    def _replied(
        self, card: GigaChatModelCard, chat: GigaChatChatRequest, cached_tokens: int
    ) -> SandboxResponse:
        reply, markers, prompt_tokens = self._said(card, chat.conversation)
        if not chat.allows_builtin:
            reply = replace(reply, builtin=None)
        completion_tokens = count_tokens(reply.rendered()) * chat.choices
        # What was cached is counted beside the rest of the prompt, not within it.
        usage = Reported(prompt_tokens - cached_tokens, completion_tokens, cached_tokens)
        interval_s = max(chat.interval_s, self._settings.interval_s)
        writer = GigaChatWriter(card, reply, usage, chat.choices, interval_s)
        return self._spoilt(writer.stream() if chat.stream else writer.plain(), markers)

    def _second_replied(
        self, card: GigaChatModelCard, chat: GigaChatV2ChatRequest, cached_tokens: int
    ) -> SandboxResponse:
        reply, markers, prompt_tokens = self._said(card, chat.conversation)
        thoughts = _THOUGHTS if chat.thinks and not reply.calls else ""
        completion_tokens = count_tokens(thoughts + reply.rendered())
        state = f"{len(chat.conversation.turns)} {reply.rendered()}"
        writer = GigaChatV2Writer(
            card=card,
            reply=replace(reply, builtin=chat.builtin),
            thoughts=thoughts,
            usage=Reported(prompt_tokens - cached_tokens, completion_tokens, cached_tokens),
            interval_s=max(chat.interval_s, self._settings.interval_s),
            state_id=str(uuid.uuid5(_NAMESPACE, state)),
            top_logprobs=chat.top_logprobs,
        )
        return self._spoilt(writer.stream() if chat.stream else writer.plain(), markers)

    def _spoilt(self, answer: SandboxResponse, markers: Markers) -> SandboxResponse:
        for fault in markers.faults():
            answer = fault.change(answer, self)
        return answer

    def _card(self, body: dict[str, Any], kind: str) -> GigaChatModelCard:
        card = CARDS.get(as_text(body.get("model"), "model"))
        if card is None or card.kind != kind:
            raise self.refuse(404)
        return card

    def _models(self, steps: list[str]) -> SandboxResponse:
        match steps:
            case []:
                cards = [card.listed() for card in CARDS.values()]
                return json_answer({"object": "list", "data": cards})
            case [model] if model in CARDS:
                return json_answer(CARDS[model].listed())
            case _:
                raise self.refuse(404)

    def _count(self, body: dict[str, Any]) -> SandboxResponse:
        self._card(body, "chat")
        only_known(body, ("model", "input"), "the request", strict=self._settings.strict)
        texts = [as_text(text, "input") for text in as_list(body.get("input"), "input")]
        return json_answer(
            [
                {"object": "tokens", "tokens": count_tokens(text), "characters": len(text)}
                for text in texts
            ]
        )

    def _embeddings(self, body: dict[str, Any]) -> SandboxResponse:
        card = self._card(body, "embedder")
        only_known(body, ("model", "input"), "the request", strict=self._settings.strict)
        texts = [as_text(t, "input", empty=False) for t in as_list(body.get("input"), "input")]
        counts = [count_tokens(text) for text in texts]
        if max(counts) > card.input_tokens:
            raise self.refuse(413)
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": embed(text, card.embedding_size),
                "usage": {"prompt_tokens": tokens},
            }
            for index, (text, tokens) in enumerate(zip(texts, counts, strict=True))
        ]
        listed = {"object": "list", "model": card.id, "data": data}
        return json_answer(listed, usage=Reported(sum(counts), 0))

    def _file_call(self, request: SandboxRequest, steps: list[str]) -> SandboxResponse:
        match request.method, steps:
            case "POST", []:
                return self._upload(request)
            case "GET", []:
                return json_answer({"data": [file.listed() for file in self._files.every()]})
            case "GET", [file_id]:
                return json_answer(self._file(file_id).listed())
            case "GET", [file_id, "content"]:
                file = self._file(file_id)
                return SandboxResponse(200, file.content_type, (Piece(file.data),))
            case "POST", [file_id, "delete"]:
                self._file(file_id)
                deleted = self._files.remove(file_id)
                return json_answer({"id": file_id, "object": "file", "deleted": deleted})
            case _:
                raise self.refuse(405)

    def _upload(self, request: SandboxRequest) -> SandboxResponse:
        try:
            parts = parse_form(request.headers.get("content-type", ""), request.body)
            return json_answer(self._files.add(parts).listed())
        except NotMultipart:
            raise self.refuse(415) from None
        except FileTooLarge:
            raise self.refuse(413) from None

    def _file(self, file_id: str) -> StoredFile:
        file = self._files.get(file_id)
        if file is None:
            raise self.refuse(404, "No such file")
        return file
