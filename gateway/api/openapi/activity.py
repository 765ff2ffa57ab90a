"""GET /v1/activity."""

from gateway.api.openapi import shapes
from gateway.api.openapi.headers import headers
from gateway.api.openapi.operations import json_content, operation, query
from gateway.api.openapi.shapes import JSONObject, ref

_ROW = {
    "date": "2026-11-22",
    "model": "gigachat-2",
    "key": "production",
    "requests": 41,
    "tokens_prompt": 10233,
    "tokens_completion": 4120,
    "usage": 0.932945,
}
_CSV = (
    "date,model,key,requests,tokens_prompt,tokens_completion,usage\r\n"
    "2026-11-22,gigachat-2,production,41,10233,4120,0.932945\r\n"
)

PATHS: dict[str, JSONObject] = {
    "/v1/activity": {
        "get": operation(
            "get_activity",
            "Read the account's usage by day, model and key",
            tag="Account",
            scope="usage",
            parameters=[
                query("format", "The form of the answer.", shapes.text(enum=["json", "csv"]))
            ],
            answer={
                "description": "The rows.",
                "headers": headers(),
                "content": json_content("Activity", {"rows": ("A day", {"data": [_ROW]})})
                | {"text/csv": {"schema": {"type": "string"}, "example": _CSV}},
            },
            codes=("invalid_parameter",),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "Activity": shapes.record({"data": shapes.array(ref("ActivityRow"))}),
    "ActivityRow": shapes.record(
        {
            "date": shapes.text("Moscow's day.", format="date"),
            "model": shapes.text(),
            "key": shapes.nullable(shapes.text("What its owner calls the key.")),
            "requests": shapes.whole(minimum=0),
            "tokens_prompt": shapes.whole(minimum=0),
            "tokens_completion": shapes.whole(minimum=0),
            "usage": shapes.number("What was charged, in credits, exactly."),
        }
    ),
}
