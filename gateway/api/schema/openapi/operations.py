"""Every operation of the API in one table: who may call it, what it takes, what it answers, how it fails."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from accounts.scopes import Scope
from gateway.api.schema.anthropic_request import MessageCountRequest, MessagesRequest
from gateway.api.schema.chat_request import ChatCompletionRequest, CompletionRequestBody
from gateway.api.schema.embeddings import EmbeddingsRequest
from gateway.api.schema.keys import (
    KeyChange,
    KeyListQuery,
    KeyRotation,
    LeakedKeysBody,
    NewKey,
    OneClickCodeBody,
)
from gateway.api.schema.model_map import NewModelMap
from gateway.api.schema.moderations import ModerationRequest
from gateway.api.schema.openapi import account_answers as account
from gateway.api.schema.openapi import anthropic_answers as anthropic
from gateway.api.schema.openapi import completion_answers as completion
from gateway.api.schema.openapi import model_answers as models
from gateway.api.schema.openapi import responses_answers as responses
from gateway.api.schema.openapi.failures import ErrorAnswer
from gateway.api.schema.openapi.headers import COMPLETION_HEADERS, LIMIT_HEADERS
from gateway.api.schema.openapi.moderation_answers import Moderation
from gateway.api.schema.queries import ActivityQuery, GenerationQuery, ModelsQuery
from gateway.api.schema.responses_request import ResponsesRequest
from gateway.api.schema.unknown_fields import ADAPTED_HEADER


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; its prose and examples are texts.OPERATION_TEXTS[id].

    `answer`, `events` and `error` are types of JSON; `scope` None lets anyone call; `is_strict`: unknown
    fields are named in one header, or refused where another asks for it; `codes` are errors beyond those
    that every operation, and every one with a body, may have.
    """

    method: str
    path: str
    id: str
    answer: Any
    tag: str
    scope: Scope | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    events: Any = None
    error: Any = ErrorAnswer
    is_strict: bool = False
    headers: tuple[str, ...] = ()
    status: int = 200
    codes: tuple[str, ...] = ()


_PROVIDER_CODES = (
    "context_length_exceeded",
    "insufficient_credits",
    "model_not_allowed",
    "model_not_found",
    "rate_limit_exceeded",
    "concurrency_limit_exceeded",
    "provider_busy",
    "provider_error",
    "no_provider_available",
    "provider_timeout",
)
_COUNT_CODES = tuple(code for code in _PROVIDER_CODES if code != "concurrency_limit_exceeded")
MISMATCH = "idempotency_mismatch"
"""The code of every operation that honours an Idempotency-Key."""

_CHARGED_CODES = (*_PROVIDER_CODES, "key_limit_reached", "content_filter", "overloaded", MISMATCH)
_CHAT_CODES = (*_CHARGED_CODES, "unsupported_content")
_MODEL_CODES = ("model_not_allowed", "model_not_found")
_MODEL_NAME = "The model's id or another name of it. A slash in it may be written as it is."

PATH_PARAMETERS = {
    "id": (_MODEL_NAME, "gigachat-2-pro"),
    "model": (_MODEL_NAME, "yandexgpt"),
    "hash": (
        "The key's `hash`.",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
}
"""Name → what it is, and an example."""

# fmt: off
OPERATIONS = (
    Operation("POST", "/v1/chat/completions", "create_chat_completion", completion.ChatCompletion,
              "Chat", "chat", body=ChatCompletionRequest, events=completion.ChatCompletionChunk,
              is_strict=True, headers=COMPLETION_HEADERS, codes=_CHAT_CODES),
    Operation("POST", "/v1/completions", "create_completion", completion.CompletionAnswer,
              "Chat", "chat", body=CompletionRequestBody, events=completion.CompletionChunk,
              is_strict=True, headers=COMPLETION_HEADERS, codes=_CHAT_CODES),
    Operation("POST", "/v1/tokens/count", "count_tokens", completion.TokenCount,
              "Chat", "chat", body=ChatCompletionRequest, headers=(ADAPTED_HEADER,),
              codes=(*_COUNT_CODES, "unsupported_content")),
    Operation("POST", "/v1/responses", "create_response", responses.ResponseObject,
              "Responses", "chat", body=ResponsesRequest, events=responses.ResponsesEvent,
              is_strict=True, headers=COMPLETION_HEADERS, codes=_CHAT_CODES),
    Operation("POST", "/v1/messages", "create_message", anthropic.AnthropicMessage,
              "Messages", "chat", body=MessagesRequest, events=anthropic.AnthropicEvent,
              error=anthropic.AnthropicErrorAnswer, is_strict=True,
              headers=("request-id", *COMPLETION_HEADERS), codes=_CHAT_CODES),
    Operation("POST", "/v1/messages/count_tokens", "count_message_tokens", anthropic.InputTokens,
              "Messages", "chat", body=MessageCountRequest,
              error=anthropic.AnthropicErrorAnswer, headers=("request-id", ADAPTED_HEADER),
              codes=(*_COUNT_CODES, "unsupported_content")),
    Operation("POST", "/v1/plan", "plan_chat", completion.PlanAnswer,
              "Chat", "chat", body=ChatCompletionRequest, is_strict=True, headers=LIMIT_HEADERS,
              codes=("rate_limit_exceeded",)),
    Operation("POST", "/v1/embeddings", "create_embeddings", completion.Embeddings,
              "Embeddings", "chat", body=EmbeddingsRequest, is_strict=True,
              headers=("X-Generation-Id", *LIMIT_HEADERS), codes=_CHARGED_CODES),
    Operation("POST", "/v1/moderations", "create_moderation", Moderation,
              "Moderations", "chat", body=ModerationRequest, is_strict=True, headers=LIMIT_HEADERS,
              codes=("rate_limit_exceeded", "unsupported_content")),
    Operation("GET", "/v1/models", "list_models", models.ModelList, "Models", query=ModelsQuery,
              codes=("invalid_parameter",)),
    Operation("GET", "/v1/models/{id}", "get_model", models.ModelAnswer,
              "Models", codes=_MODEL_CODES),
    Operation("GET", "/v1/models/{id}/endpoints", "list_model_endpoints", models.ModelEndpoints,
              "Models", codes=_MODEL_CODES),
    Operation("GET", "/v1/parameters/{model}", "get_parameters", models.ModelParameters,
              "Models", "chat", codes=_MODEL_CODES),
    Operation("GET", "/v1/providers/status", "get_providers_status", models.ProvidersStatus, "Models"),
    Operation("GET", "/v1/key", "get_key", account.Key, "Account", "chat"),
    Operation("GET", "/v1/auth/key", "get_auth_key", account.Key, "Account", "chat"),
    Operation("GET", "/v1/credits", "get_credits", account.Credits, "Account", "usage"),
    Operation("GET", "/v1/generation", "get_generation", account.GenerationAnswer,
              "Account", "usage", query=GenerationQuery, codes=("invalid_parameter", "not_found")),
    Operation("GET", "/v1/activity", "get_activity", account.Activity,
              "Account", "usage", query=ActivityQuery, codes=("invalid_parameter",)),
    Operation("GET", "/v1/keys", "list_keys", account.KeyList,
              "Keys", "keys", query=KeyListQuery, codes=("invalid_parameter",)),
    Operation("POST", "/v1/keys", "create_key", account.CreatedKey,
              "Keys", "keys", body=NewKey, status=201),
    Operation("GET", "/v1/keys/{hash}", "get_managed_key", account.ManagedKey,
              "Keys", "keys", codes=("not_found",)),
    Operation("PATCH", "/v1/keys/{hash}", "change_key", account.ManagedKey,
              "Keys", "keys", body=KeyChange, codes=("not_found",)),
    Operation("POST", "/v1/keys/{hash}/rotate", "rotate_key", account.CreatedKey,
              "Keys", "keys", body=KeyRotation, status=201, codes=("not_found", "conflict")),
    Operation("DELETE", "/v1/keys/{hash}", "revoke_key", account.RevokedKey,
              "Keys", "keys", codes=("not_found",)),
    Operation("GET", "/v1/model_map", "get_model_map", account.ModelMapAnswer, "Keys", "keys"),
    Operation("PUT", "/v1/model_map", "put_model_map", account.ModelMapAnswer,
              "Keys", "keys", body=NewModelMap, is_strict=True),
    Operation("POST", "/v1/keys/leaked", "report_leaked_keys", account.LeakAccepted,
              "Keys", body=LeakedKeysBody, is_strict=True, status=202,
              codes=("rate_limit_exceeded",)),
    Operation("POST", "/v1/auth/keys", "redeem_one_click_code", account.OneClickKey,
              "Keys", body=OneClickCodeBody, is_strict=True),
    Operation("GET", "/v1/openapi.json", "get_openapi", None, "Service"),
)
# fmt: on
"""In the order of the page."""
