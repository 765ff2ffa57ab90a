"""POST /v1/embeddings: OpenAI's list of vectors, as floats or base64."""

import base64
import struct
import uuid
from collections.abc import Sequence

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.body import JSONObject, read_object
from gateway.api.capacity import capacity
from gateway.api.json_response import JSONResponse, credits_number
from gateway.api.retries.answer_once import answer_once
from gateway.api.retries.identity import identity_of
from gateway.api.schema.embeddings import EmbeddingsRequest
from gateway.api.schema.parsing import parse
from gateway.api.schema.unknown_fields import ignored_of, name_changes
from gateway.api.sunset import describe_end
from gateway.api.view import View, describe_limits
from gateway.pipeline.embedding import Embedded, embed


class EmbeddingsView(View):
    """Embeds one text or many."""

    scope = "chat"

    def post(self, request: Request) -> HttpResponse:
        document = read_object(request._request)
        with capacity:
            order = parse(EmbeddingsRequest, document)
            ignored = ignored_of(request, order)
            return answer_once(
                identity_of(request._request, document, self.caller, self.dialect),
                lambda generation_id: self._answer(order, ignored, generation_id),
                failed=self.handle_exception,
                caller=self.caller,
                client=request._request.META.get("gunicorn.socket"),
            )

    def _answer(
        self, order: EmbeddingsRequest, ignored: Sequence[str], generation_id: uuid.UUID
    ) -> HttpResponse:
        embedded = embed(
            order.input,
            order.model,
            self.caller,
            generation_id=generation_id,
            user=order.user,
            dimensions=order.dimensions,
            ignored=ignored,
        )
        is_base64 = order.encoding_format == "base64"
        response = JSONResponse(_envelope(embedded, is_base64=is_base64))
        response.headers["X-Generation-Id"] = embedded.id
        name_changes(response, embedded.adapted)
        describe_limits(response, embedded.admission)
        describe_end(response, embedded.model)
        return response


def _envelope(embedded: Embedded, *, is_base64: bool) -> JSONObject:
    tokens = embedded.prompt_tokens
    return {
        "object": "list",
        "id": embedded.id,
        "model": embedded.model.id,
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(vector) if is_base64 else vector,
            }
            for index, vector in enumerate(embedded.vectors)
        ],
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            "cost": credits_number(embedded.cost_nano),
        },
    }


def _packed(vector: Sequence[float]) -> str:
    """Return a vector as base64 of little-endian float32, which the SDKs read."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
