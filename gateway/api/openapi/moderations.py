"""POST /v1/moderations."""

from gateway.api.openapi import shapes
from gateway.api.openapi.operations import json_answer, json_body, operation
from gateway.api.openapi.shapes import JSONObject, ref

CATEGORIES = ("weapons", "drugs", "self_harm", "sexual_minors", "extremism")

REQUEST_EXAMPLES = {"text": ("A text", {"input": "xrouter-moderation-test"})}
ANSWER_EXAMPLES = {
    "flagged": (
        "A text that would be refused",
        {
            "id": "modr-0197c1d2e3f4701122334455667788ac",
            "model": "xrouter-moderation",
            "results": [
                {
                    "flagged": True,
                    "categories": dict.fromkeys(CATEGORIES, False) | {"test": True},
                    "category_scores": dict.fromkeys(CATEGORIES, 0) | {"test": 1},
                }
            ],
        },
    )
}

PATHS: dict[str, JSONObject] = {
    "/v1/moderations": {
        "post": operation(
            "create_moderation",
            "Ask what moderation says of a text",
            "The service's own moderation, which every request for a completion passes. Costs nothing.",
            tag="Chat",
            scope="chat",
            body=json_body("ModerationRequest", REQUEST_EXAMPLES),
            answer=json_answer("One result for each text.", "Moderation", ANSWER_EXAMPLES),
            codes=(
                "invalid_parameter",
                "rate_limit_exceeded",
                "concurrency_limit_exceeded",
                "overloaded",
            ),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "ModerationRequest": shapes.form(
        {
            "input": {
                "description": "A text or a list of texts.",
                "anyOf": [shapes.text(), shapes.array(shapes.text(), minItems=1)],
            },
            "model": shapes.text("Of no effect: there is one moderation."),
        },
        required=("input",),
    ),
    "Moderation": shapes.record(
        {
            "id": shapes.text(),
            "model": shapes.text(),
            "results": shapes.array(ref("ModerationResult"), "In the order of the texts."),
        }
    ),
    "ModerationResult": shapes.record(
        {
            "flagged": shapes.flag("Whether a request with this text would be refused."),
            "categories": {
                "type": "object",
                "description": f"Category → whether it was found. Among them {', '.join(CATEGORIES)}.",
                "additionalProperties": shapes.flag(),
            },
            "category_scores": {
                "type": "object",
                "description": "Category → from 0 to 1.",
                "additionalProperties": shapes.number(minimum=0, maximum=1),
            },
        }
    ),
}
