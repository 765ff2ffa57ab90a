"""JSON out: a response of any document, and amounts of money as exact numbers."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from infra.credits import credits_text


class JSONResponse(HttpResponse):
    """A JSON answer of stated length; `document` may hold `orjson.Fragment`s."""

    def __init__(
        self, document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        body = orjson.dumps(document)
        super().__init__(
            body,
            status=status,
            content_type="application/json",
            headers={"Content-Length": str(len(body)), **(headers or {})},
        )


def credits_number(amount_nano: int) -> orjson.Fragment:
    """Return an amount of credits as a JSON number with all its digits, which a float may not have."""
    return orjson.Fragment(credits_text(amount_nano))
