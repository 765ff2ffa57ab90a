"""The whole API under /v1 as one OpenAPI 3.1 document. Pure."""

from gateway.api.openapi import (
    account,
    activity,
    chat,
    completions,
    description,
    embeddings,
    failures,
    keys,
    models,
    providers,
    tokens,
)
from gateway.api.openapi.headers import HEADERS, PARAMETERS
from gateway.api.openapi.shapes import JSONObject

VERSION = "1.0.0"

PARTS = (
    chat,
    completions,
    tokens,
    embeddings,
    models,
    providers,
    account,
    activity,
    keys,
    description,
)
"""One module for each group of paths, in the order of the page: its PATHS and their SCHEMAS."""

_TAGS = {
    "Chat": "Answers of language models.",
    "Embeddings": "Texts as vectors.",
    "Models": "What can be asked, at what price, and how its providers are.",
    "Account": "What a caller may read of itself.",
    "Keys": "API keys, made and managed by an application that its user let do it.",
    "Service": "The API itself.",
}

_DESCRIPTION = f"""\
One OpenAI-compatible API over GigaChat and YandexGPT. Every path is also there under `/api/v1`, and a
slash at its end is tolerated.

**Credentials.** `Authorization: Bearer KEY`, where KEY is an API key (`xr-live-…`, or `xr-test-…`, which
the sandbox answers free of charge) or an OAuth access token (`xr-oauth-…`). Where none is needed, one that
is given must be valid. The scope of each operation stands beside its security scheme; API keys bear `chat`
and `usage`.

**Requests.** Bodies are JSON objects in UTF-8. Null means absent. A text that spells a number or `true` or
`false` is taken for it. A field that means nothing here is ignored.

**Money.** One credit is one rouble. Amounts are JSON numbers, printed exactly; prices are texts.

**Errors.** Every one has the same form, and `message` says the cause and the remedy:

{failures.table()}
"""


def document(public_url: str) -> JSONObject:
    """Return the OpenAPI document of the service at `public_url`, which has no slash at its end."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "XRouter API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [
            {"url": public_url},
            {"url": f"{public_url}/api", "description": "The same, under /api/v1."},
        ],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}],
        "paths": {path: item for part in PARTS for path, item in part.PATHS.items()},
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or an OAuth access token.",
                }
            },
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "examples": failures.EXAMPLES,
            "schemas": {
                name: schema
                for part in (*PARTS, failures)
                for name, schema in sorted(part.SCHEMAS.items())
            },
        },
    }
