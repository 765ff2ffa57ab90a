"""The emulated GigaChat: its paths, headers and refusals.

Source: GigaChat reference of November 2026, sections 3 to 11, and recorded answers.
"""

import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from gateway.sandbox.controls import NoFreeSlot, Settings, Slots
from gateway.sandbox.embedding import embed
from gateway.sandbox.exchange import (
    Answer,
    Piece,
    ProviderName,
    Refusal,
    Reported,
    Request,
    json_answer,
    page_answer,
)
from gateway.sandbox.fields import WrongField, as_list, as_text, only_known
from gateway.sandbox.gigachat_answer import Writer
from gateway.sandbox.gigachat_auth import Gatekeeper
from gateway.sandbox.gigachat_files import FileStore, FileTooLarge, StoredFile
from gateway.sandbox.gigachat_models import CARDS, Card
from gateway.sandbox.gigachat_request import ChatRequest, read_chat
from gateway.sandbox.markers import read_markers
from gateway.sandbox.multipart import NotMultipart, parse_form
from gateway.sandbox.prompt_cache import PromptCache
from gateway.sandbox.script import Script
from gateway.sandbox.tokens import count_prompt_tokens, count_tokens

_BASES = (["api", "v1"], ["v1"])
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


class GigaChat:
    """Answers as `ngw.devices.sberbank.ru` and `api.giga.chat` do."""

    name: ProviderName = "gigachat"

    def __init__(self, settings: Settings, script: Script) -> None:
        self._settings = settings
        self._script = script
        self._gatekeeper = Gatekeeper(settings)
        self._files = FileStore()
        self._cache = PromptCache()
        self._slots = Slots(lambda: settings.gigachat_parallel)

    def answer(self, request: Request, held: ExitStack) -> Answer:
        """Answer a request, be it by refusing it."""
        headers = (
            ("X-Request-ID", request.request_id),
            ("X-Session-ID", request.headers.get("x-session-id") or str(uuid.uuid4())),
        )
        try:
            answer = self._routed(request, held)
        except Refusal as refusal:
            answer = refusal.answer
        except WrongField as wrong:
            answer = self.refuse(422, f"Invalid params: {wrong}").answer
        return replace(answer, headers=(*headers, *answer.headers))

    def refuse(self, status: int, message: str | None = None) -> Refusal:
        """Return a refusal of the API (the OAuth endpoint has a shape of its own)."""
        said = message or _MESSAGES.get(status, _MESSAGES[500])
        return Refusal(json_answer({"status": status, "message": said}, status))

    def _routed(self, request: Request, held: ExitStack) -> Answer:
        if request.steps == ["api", "v2", "oauth"]:
            self._expect_method(request, "POST")
            return self._gatekeeper.give_token(request)
        base = next((base for base in _BASES if request.steps[: len(base)] == base), None)
        if base is None:
            return page_answer(404)
        if not request.headers.get("user-agent"):
            raise self.refuse(403, "Unauthorized")
        if (fault := self._gatekeeper.token_fault(request)) is not None:
            raise self.refuse(401, fault)
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

    def _expect_method(self, request: Request, method: str) -> None:
        if request.method != method:
            raise self.refuse(405)

    def _body(self, request: Request) -> dict[str, Any]:
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

    def _chat(self, request: Request, held: ExitStack) -> Answer:
        body = self._body(request)
        card = self._card(body, "chat")
        chat = read_chat(body, card, self._files, strict=self._settings.strict)
        prompt = chat.conversation.prompt()
        prompt_tokens = count_prompt_tokens(prompt)
        if prompt_tokens > card.context_tokens:
            raise self.refuse(413)
        try:
            held.enter_context(self._slots.taken())
        except NoFreeSlot:
            raise self.refuse(429) from None
        cached_tokens = self._cache.cached_tokens(request.headers.get("x-session-id"), prompt)
        return self._replied(card, chat, prompt_tokens, cached_tokens)

    def _replied(
        self, card: Card, chat: ChatRequest, prompt_tokens: int, cached_tokens: int
    ) -> Answer:
        room_tokens = card.context_tokens - prompt_tokens
        limit_tokens = min(chat.conversation.max_tokens or room_tokens, room_tokens)
        conversation = replace(chat.conversation, max_tokens=limit_tokens)
        markers = read_markers(conversation)
        reply = self._script.reply(conversation, markers)
        if not chat.allows_builtin:
            reply = replace(reply, builtin=None)
        completion_tokens = count_tokens(reply.rendered()) * chat.choices
        usage = Reported(prompt_tokens, completion_tokens, cached_tokens)
        interval_s = max(chat.interval_s, self._settings.interval_s)
        writer = Writer(card, reply, usage, chat.choices, interval_s)
        answer = writer.stream() if chat.stream else writer.plain()
        for fault in markers.faults():
            answer = fault.change(answer, self)
        return answer

    def _card(self, body: dict[str, Any], kind: str) -> Card:
        card = CARDS.get(as_text(body.get("model"), "model"))
        if card is None or card.kind != kind:
            raise self.refuse(404)
        return card

    def _models(self, steps: list[str]) -> Answer:
        match steps:
            case []:
                cards = [card.listed() for card in CARDS.values()]
                return json_answer({"object": "list", "data": cards})
            case [model] if model in CARDS:
                return json_answer(CARDS[model].listed())
            case _:
                raise self.refuse(404)

    def _count(self, body: dict[str, Any]) -> Answer:
        self._card(body, "chat")
        only_known(body, ("model", "input"), "the request", strict=self._settings.strict)
        texts = [as_text(text, "input") for text in as_list(body.get("input"), "input")]
        return json_answer(
            [
                {"object": "tokens", "tokens": count_tokens(text), "characters": len(text)}
                for text in texts
            ]
        )

    def _embeddings(self, body: dict[str, Any]) -> Answer:
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

    def _file_call(self, request: Request, steps: list[str]) -> Answer:
        match request.method, steps:
            case "POST", []:
                return self._upload(request)
            case "GET", []:
                return json_answer({"data": [file.listed() for file in self._files.every()]})
            case "GET", [file_id]:
                return json_answer(self._file(file_id).listed())
            case "GET", [file_id, "content"]:
                file = self._file(file_id)
                return Answer(200, file.content_type, (Piece(file.data),))
            case "POST", [file_id, "delete"]:
                self._file(file_id)
                deleted = self._files.remove(file_id)
                return json_answer({"id": file_id, "object": "file", "deleted": deleted})
            case _:
                raise self.refuse(405)

    def _upload(self, request: Request) -> Answer:
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
