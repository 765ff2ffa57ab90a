"""GET /v1/openapi.json: the document's own entry."""

from gateway.api.openapi.headers import headers
from gateway.api.openapi.operations import operation
from gateway.api.openapi.shapes import JSONObject

PATHS: dict[str, JSONObject] = {
    "/v1/openapi.json": {
        "get": operation(
            "get_openapi",
            "Read this document",
            tag="Service",
            answer={
                "description": "OpenAPI 3.1.",
                "headers": headers(),
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {}
