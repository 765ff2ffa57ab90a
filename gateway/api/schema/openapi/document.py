"""The whole API under /v1, and what machines read beside it, as one OpenAPI 3.1 document. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from gateway.api.retries.idempotency_key import HEADER as IDEMPOTENCY_HEADER
from gateway.api.schema.openapi import failures, probes
from gateway.api.schema.openapi.components import components, query_parameters
from gateway.api.schema.openapi.headers import HEADERS, PARAMETERS, REQUEST_ID, headers, parameter
from gateway.api.schema.openapi.operations import MISMATCH, OPERATIONS, PATH_PARAMETERS, Operation
from gateway.api.schema.openapi.texts import OPERATION_TEXTS
from gateway.api.schema.unknown_fields import ADAPTED_HEADER, STRICT_HEADER

JSONObject = dict[str, Any]

VERSION = "1.0.0"

_ANYONE_CODES = (
    "invalid_api_key",
    "ip_not_allowed",
    "account_suspended",
    "key_frozen",
    "internal_error",
    "service_unavailable",
)
_BODY_CODES = (
    "invalid_parameter",
    "invalid_request",
    "invalid_json",
    "request_timeout",
    "request_too_large",
    "unsupported_media_type",
)

_TAGS = {
    "Chat": "Answers of language models.",
    "Responses": "The same answers in the form of OpenAI's Responses API.",
    "Messages": "The same answers in Anthropic's protocol.",
    "Embeddings": "Texts as vectors.",
    "Moderations": "What the service's own moderation finds in texts.",
    "Models": "What can be asked, at what price, and how its providers are.",
    "Account": "What a caller may read of itself.",
    "Keys": "API keys, made and managed by an application that its user let do it.",
    "Service": "The API itself.",
}

_DESCRIPTION = f"""\
One OpenAI-compatible API over GigaChat and YandexGPT. Every path is also there under `/api/v1`, in
OpenRouter's dialect, and a slash at its end is tolerated.

**Credentials.** `Authorization: Bearer KEY`, where KEY is an API key (`xr-live-…`, or `xr-test-…`, which
the sandbox answers free of charge) or an OAuth access token (`xr-oauth-…`). Where none is needed, one that
is given must be valid. The scope of each operation stands beside its security scheme; API keys bear `chat`
and `usage`.

**Requests.** Bodies are JSON objects in UTF-8. Null means absent. A text that spells a number or `true` or
`false` is taken for it. A field that means nothing here is ignored, and named in `X-XRouter-Adapted` by its
path, say `tools[0].function.foo`, where the operation has that header.

**Money.** One credit is one rouble. Amounts are JSON numbers, printed exactly; prices are texts.

**Errors.** Every one has the same form (under `/v1/messages` Anthropic's), and `message`
says the cause and the remedy:

{failures.table()}
"""


def document(public_url: str) -> JSONObject:
    """Return the OpenAPI document of the service at `public_url`, which has no slash at its end."""
    schemas, schemas_by_name = components(_types())
    paths: JSONObject = {}
    for operation in OPERATIONS:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(operation, schemas)
    paths |= probes.probes(public_url, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "XRouter API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [
            {"url": public_url},
            {"url": f"{public_url}/api", "description": "The same in OpenRouter's dialect."},
        ],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or an OAuth access token.",
                },
                probes.METRICS_TOKEN: probes.SECURITY_SCHEME,
            },
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "examples": failures.examples(),
            "schemas": schemas_by_name,
        },
    }


def _types() -> list[Any]:
    used = (
        kind
        for operation in OPERATIONS
        for kind in (operation.body, operation.answer, operation.events, operation.error)
    )
    return [*dict.fromkeys(kind for kind in used if kind is not None), *probes.TYPES]


def _operation(operation: Operation, schemas: dict[Any, JSONObject]) -> JSONObject:
    """Return an Operation Object."""
    scope = operation.scope
    texts = OPERATION_TEXTS[operation.id]
    codes = {*operation.codes, *_ANYONE_CODES}
    if scope is not None:
        codes.add("insufficient_scope")
    if operation.body is not None:
        codes.update(_BODY_CODES)
    written: JSONObject = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": texts["summary"],
    }
    if "description" in texts:
        written["description"] = texts["description"]
    written["security"] = [{"bearer": [scope]}] if scope else [{}, {"bearer": []}]
    written["parameters"] = list(_parameters(operation))
    if operation.body is not None:
        content = _json_content(schemas[operation.body], texts["request_examples"])
        written["requestBody"] = {"required": True, "content": content}
    answer = {
        "description": texts["answer"],
        "headers": headers(*operation.headers, *([ADAPTED_HEADER] if operation.is_strict else [])),
        "content": _answer_content(operation, schemas, texts),
    }
    written["responses"] = {str(operation.status): answer} | failures.responses(
        codes, schemas[operation.error]
    )
    return written


def _parameters(operation: Operation) -> Iterable[JSONObject]:
    """Yield Parameter Objects: of the path, of the query, of the header."""
    for name in re.findall(r"{(\w+)}", operation.path):
        text, example = PATH_PARAMETERS[name]
        yield {
            "name": name,
            "in": "path",
            "description": text,
            "required": True,
            "schema": {"type": "string"},
            "example": example,
        }
    if operation.query is not None:
        yield from query_parameters(operation.query)
    if operation.is_strict:
        yield parameter(STRICT_HEADER)
    if MISMATCH in operation.codes:
        yield parameter(IDEMPOTENCY_HEADER)
    yield parameter(REQUEST_ID)


def _answer_content(
    operation: Operation, schemas: dict[Any, JSONObject], texts: JSONObject
) -> JSONObject:
    """Return the `content` of the good answer: JSON, and events or a table beside it."""
    if operation.answer is None:
        return {"application/json": {"schema": {"type": "object"}}}
    content = _json_content(schemas[operation.answer], texts["answer_examples"])
    if operation.events is not None:
        name = schemas[operation.events]["$ref"].rpartition("/")[2]
        content["text/event-stream"] = {
            "schema": {
                "type": "string",
                "description": f"Events, each one `data:` line with a {name}, then {texts['stream']}",
            },
            "example": texts["text/event-stream"],
        }
    if "text/csv" in texts:
        content["text/csv"] = {"schema": {"type": "string"}, "example": texts["text/csv"]}
    return content


def _json_content(schema: JSONObject, examples: JSONObject) -> JSONObject:
    return {"application/json": {"schema": schema, "examples": examples}}
