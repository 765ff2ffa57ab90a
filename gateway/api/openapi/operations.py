"""What every operation has in common: who may call it, what it answers, how it fails."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accounts.scopes import Scope
from gateway.api.openapi.failures import BODY_CODES, responses
from gateway.api.openapi.headers import REQUEST_ID, headers, parameter
from gateway.api.openapi.shapes import JSONObject, ref

_ANYONE_CODES = (
    "invalid_api_key",
    "ip_not_allowed",
    "account_suspended",
    "internal_error",
    "service_unavailable",
)


def operation(
    identity: str,
    summary: str,
    description: str = "",
    *,
    tag: str,
    answer: JSONObject,
    scope: Scope | None = None,
    parameters: Sequence[JSONObject] = (),
    body: JSONObject | None = None,
    codes: Iterable[str] = (),
    status: int = 200,
) -> JSONObject:
    """Return an Operation Object.

    `answer` is the Response Object of a good `status`; `scope` None lets anyone call; `codes` are those of
    failures.CODES beyond what every operation, and every one with a body, may answer.
    """
    all_codes = {*codes, *_ANYONE_CODES}
    if scope is not None:
        all_codes.add("insufficient_scope")
    if body is not None:
        all_codes.update(BODY_CODES)
    made: JSONObject = {"operationId": identity, "tags": [tag], "summary": summary}
    if description:
        made["description"] = description
    made["security"] = [{"bearer": [scope]}] if scope else [{}, {"bearer": []}]
    made["parameters"] = [*parameters, parameter(REQUEST_ID)]
    if body is not None:
        made["requestBody"] = body
    made["responses"] = {str(status): answer} | responses(all_codes)
    return made


def json_body(schema: str, examples: Mapping[str, tuple[str, Any]]) -> JSONObject:
    """Return a Request Body Object; an example is its summary and its value."""
    return {"required": True, "content": json_content(schema, examples)}


def json_answer(
    description: str,
    schema: str,
    examples: Mapping[str, tuple[str, Any]],
    *,
    header_names: Iterable[str] = (),
) -> JSONObject:
    """Return a Response Object in JSON."""
    return {
        "description": description,
        "headers": headers(*header_names),
        "content": json_content(schema, examples),
    }


def json_content(schema: str, examples: Mapping[str, tuple[str, Any]]) -> JSONObject:
    """Return the `content` of a body in JSON."""
    return {
        "application/json": {
            "schema": ref(schema),
            "examples": {
                name: {"summary": summary, "value": value}
                for name, (summary, value) in examples.items()
            },
        }
    }


def query(name: str, description: str, schema: JSONObject, *, required: bool = False) -> JSONObject:
    """Return a Parameter Object of the query."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "schema": schema,
    }


def path_parameter(name: str, description: str, example: str) -> JSONObject:
    """Return a Parameter Object of the path."""
    return {
        "name": name,
        "in": "path",
        "description": description,
        "required": True,
        "schema": {"type": "string"},
        "example": example,
    }
