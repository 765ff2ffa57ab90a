"""The emulated YandexGPT: its paths, credentials and refusals.

Source: YandexGPT reference of November 2026, sections 2 to 11.
"""

import time
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal

from sandbox.core.controls import NoFreeSlot, Settings, Slots
from sandbox.core.credentials import YANDEX_API_KEY, YANDEX_FOLDER_ID, read_token
from sandbox.core.embedding import embed
from sandbox.core.exchange import (
    ProviderName,
    Reported,
    SandboxRefusal,
    SandboxRequest,
    SandboxResponse,
    json_answer,
)
from sandbox.core.fields import WrongField, as_text
from sandbox.core.markers import Markers, read_markers
from sandbox.core.scenario import Scenario
from sandbox.core.tokens import MESSAGE_FRAME, count_prompt_tokens, count_tokens, split_tokens
from sandbox.yandexgpt.answer import YandexWriter
from sandbox.yandexgpt.fields import read_object
from sandbox.yandexgpt.iam import ServiceAccounts, exchange
from sandbox.yandexgpt.models import YandexModel, parse_uri
from sandbox.yandexgpt.request import COMPLETION_FIELDS, YandexCompletionRequest, read_completion

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 429: 8, 499: 1, 503: 14, 504: 4}
_INTERNAL = 13
_REASONING_TOKENS = 32
_MOST_BLANK_TOKENS = 2000


class YandexGPTEmulator:
    """Answers as `llm.api.cloud.yandex.net` and `iam.api.cloud.yandex.net` do."""

    name: ProviderName = "yandexgpt"
    title = "YandexGPT"
    port_name = "yandex"
    port = 9802

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self._settings = settings
        self._scenario = scenario
        self._slots = Slots(lambda: settings.yandex_parallel)
        self.service_accounts = ServiceAccounts()

    def environment(self, origin: str) -> dict[str, str]:
        """Return the environment variables that point XRouter here."""
        return {
            "YANDEX_API_KEY": YANDEX_API_KEY,
            "YANDEX_FOLDER_ID": YANDEX_FOLDER_ID,
            "YANDEX_BASE_URL": origin,
            "YANDEX_IAM_URL": f"{origin}/iam/v1/tokens",
        }

    def answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        """Answer a request, be it by refusing it."""
        try:
            answer = self._routed(request, held)
        except SandboxRefusal as refusal:
            answer = refusal.answer
        except WrongField as wrong:
            answer = self.refuse(400, str(wrong)).answer
        headers = (
            ("x-request-id", request.request_id),
            ("x-server-trace-id", f"{request.request_id.replace('-', '')}:1:0:1"),
        )
        return replace(answer, headers=(*headers, *answer.headers))

    def refuse(self, status: int, message: str | None = None) -> SandboxRefusal:
        """Return a refusal in the envelope of the models (IAM has another)."""
        phrase = HTTPStatus(status).phrase
        error = {
            "grpcCode": _GRPC_CODES.get(status, _INTERNAL),
            "httpCode": status,
            "message": message or phrase,
            "httpStatus": phrase,
            "details": [],
        }
        return SandboxRefusal(json_answer({"error": error}, status))

    def _routed(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        if request.path == "/iam/v1/tokens":
            return exchange(request, self.service_accounts, self._settings)
        match request.steps:
            case ["foundationModels", "v1", "completion"]:
                return self._complete(self._body(request), held)
            case ["foundationModels", "v1", "tokenize"]:
                return self._tokenize(self._body(request))
            case ["foundationModels", "v1", "tokenizeCompletion"]:
                return self._tokenize_completion(self._body(request))
            case ["foundationModels", "v1", "textEmbedding"]:
                return self._embed(self._body(request))
            case _:
                raise self.refuse(404)

    def _body(self, request: SandboxRequest) -> Any:
        """Check the caller and return the JSON that was posted."""
        self.check_credential(request.headers.get("authorization", ""))
        self.check_folder(request.headers.get("x-folder-id", YANDEX_FOLDER_ID))
        if request.method != "POST":
            raise self.refuse(405)
        if request.media_type != "application/json":
            raise self.refuse(415)
        try:
            return request.json()
        except (ValueError, RecursionError):
            raise self.refuse(400, "invalid JSON in the request body") from None

    def check_credential(self, header: str) -> None:
        """Refuse what is neither a key nor a token that holds."""
        scheme, _, secret = header.partition(" ")
        if not header:
            raise self.refuse(401, "IAM token or API key has to be passed in request")
        if scheme == "Api-Key" and secret == YANDEX_API_KEY:
            return
        if scheme == "Bearer":
            facts = read_token(secret, "iam")
            if facts is not None and facts.expires_at > time.time():
                return
            # Bad tokens, unlike bad keys, are refused by a front server in a form of its own.
            message = "rpc error: code = Unauthenticated desc = The token is invalid or has expired"
            raise SandboxRefusal(
                json_answer({"error_code": "UNAUTHORIZED", "error_message": message}, 401)
            )
        raise self.refuse(401, "Unknown api key")

    def check_folder(self, folder: str) -> None:
        """Refuse a folder that is not the key's."""
        if folder != YANDEX_FOLDER_ID:
            raise self.refuse(
                400,
                f"Specified folder ID '{folder}' does not match with service account folder ID "
                f"'{YANDEX_FOLDER_ID}'",
            )

    def _model(self, fields: dict[str, Any], scheme: Literal["gpt", "emb"] = "gpt") -> YandexModel:
        text = as_text(fields.get("modelUri"), "modelUri", empty=False)
        uri = parse_uri(text, scheme)
        if uri is None:
            raise WrongField(f"invalid model_uri: {text}")
        self.check_folder(uri.folder)
        model = uri.found()
        if model is None:
            raise self.refuse(404, f"Failed to get model: {text}")
        return model

    def _completion(self, body: Any) -> tuple[YandexModel, YandexCompletionRequest, int]:
        """Return the model, the request and its tokens."""
        strict = self._settings.strict
        fields = read_object(body, COMPLETION_FIELDS, "the request", strict=strict)
        model = self._model(fields)
        asked = read_completion(fields, model, strict=strict)
        return model, asked, count_prompt_tokens(asked.conversation.prompt())

    def _complete(self, body: Any, held: ExitStack) -> SandboxResponse:
        model, asked, prompt_tokens = self._completion(body)
        self._check_length(prompt_tokens, model)
        self.take_slot(held)
        return self._replied(model, asked, prompt_tokens)

    def take_slot(self, held: ExitStack) -> None:
        """Hold one of the parallel generations until `held` closes, or refuse."""
        try:
            held.enter_context(self._slots.taken())
        except NoFreeSlot as full:
            raise self.refuse(
                429,
                "ai.textGenerationCompletionSessionsCount.count gauge quota limit exceed: "
                f"allowed {full.allowed} requests",
            ) from None

    def _replied(
        self, model: YandexModel, asked: YandexCompletionRequest, prompt_tokens: int
    ) -> SandboxResponse:
        room_tokens = model.context_tokens - prompt_tokens
        limit_tokens = min(asked.conversation.max_tokens or room_tokens, room_tokens)
        # Hidden thoughts count as output and leave less of it for the text.
        reasoning_tokens = min(_REASONING_TOKENS, limit_tokens) if asked.reasons else 0
        text_tokens = limit_tokens - reasoning_tokens
        conversation = replace(asked.conversation, max_tokens=text_tokens)
        markers = read_markers(conversation)
        reply = self._scenario.reply(conversation, markers)
        if conversation.wants_json and not _mentions_json(asked):
            # A model told nothing of JSON is held to it all the same, and writes only blanks.
            reply = replace(reply, text=" " * min(text_tokens, _MOST_BLANK_TOKENS), finish="length")
        writer = YandexWriter(
            model.version,
            reply,
            prompt_tokens,
            reasoning_tokens,
            self._settings.interval_s,
            _revision(markers),
        )
        answer = writer.stream() if asked.stream else writer.plain()
        for fault in markers.faults():
            answer = fault.change(answer, self)
        return answer

    def _check_length(self, tokens: int, model: YandexModel) -> None:
        if tokens > model.context_tokens:
            most = model.context_tokens
            raise WrongField(f"Number of input tokens must be no more than {most}, got {tokens}")

    def _tokenize(self, body: Any) -> SandboxResponse:
        strict = self._settings.strict
        fields = read_object(body, ("modelUri", "text"), "the request", strict=strict)
        model = self._model(fields)
        text = as_text(fields.get("text"), "text", empty=False)
        tokens = [_token(token) for token in split_tokens(text)]
        return json_answer({"tokens": tokens, "modelVersion": model.version})

    def _tokenize_completion(self, body: Any) -> SandboxResponse:
        model, asked, _ = self._completion(body)
        tokens = [
            token
            for message in asked.conversation.prompt()
            for token in (
                *(_token(mark, special=True) for mark in MESSAGE_FRAME),
                *(_token(part) for part in split_tokens(message)),
            )
        ]
        return json_answer({"tokens": tokens, "modelVersion": model.version})

    def _embed(self, body: Any) -> SandboxResponse:
        strict = self._settings.strict
        fields = read_object(body, ("modelUri", "text", "dim"), "the request", strict=strict)
        model = self._model(fields, "emb")
        text = as_text(fields.get("text"), "text", empty=False)
        size = model.embedding_size
        if "dim" in fields:
            size = _size(fields["dim"], model)
        tokens = count_tokens(text)
        self._check_length(tokens, model)
        embedded = {
            "embedding": embed(text, size),
            "numTokens": str(tokens),
            "modelVersion": model.version,
        }
        return json_answer(embedded, usage=Reported(tokens, 0))


def _size(value: Any, model: YandexModel) -> int:
    """Read an int64, which is a text in JSON, or a number."""
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or int(text) not in model.sizes:
        raise WrongField(f"model {model.name} has no vectors of that size")
    return int(text)


def _mentions_json(asked: YandexCompletionRequest) -> bool:
    return any("json" in turn.text.casefold() for turn in asked.conversation.turns)


def _revision(markers: Markers) -> str | None:
    if "revise" not in markers:
        return None
    return "last" if markers.values["revise"] == "last" else "early"


def _token(text: str, *, special: bool = False) -> dict[str, Any]:
    number = sum((index + 1) * ord(letter) for index, letter in enumerate(text)) % 128_000
    return {"id": str(number), "text": text, "special": special}
