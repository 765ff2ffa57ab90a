"""POST /v1/embeddings: OpenAI's list of vectors, as floats or base64."""

import base64
import contextlib
import struct
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api import fields
from gateway.api.body import read_object
from gateway.api.capacity import capacity
from gateway.api.client_socket import client_socket
from gateway.api.envelopes import JSONObject, credits_number
from gateway.api.view import JSONResponse, View, describe_limits
from gateway.pipeline.embedding import Embedded, embed
from gateway.pipeline.errors import InvalidParameter

MAX_INPUTS = 2048
MAX_INPUT_CHARACTERS = 1_000_000
MAX_MODEL_CHARACTERS = 128


class EmbeddingsView(View):
    """Vectors of one text or of many."""

    scope = "chat"

    def post(self, request: Request) -> HttpResponse:
        with contextlib.ExitStack() as stack:
            capacity.enter()
            stack.callback(capacity.leave)
            stack.enter_context(client_socket(request._request))
            body = read_object(request._request)
            texts, model, is_base64 = _read(body)
            embedded = embed(texts, model, self.caller)
        response = JSONResponse(_envelope(embedded, is_base64=is_base64))
        response.headers["X-Generation-Id"] = embedded.id
        describe_limits(response, embedded.admission)
        return response


def _read(body: JSONObject) -> tuple[tuple[str, ...], str, bool]:
    model = fields.text(body, "model", longest=MAX_MODEL_CHARACTERS)
    if not model:
        raise InvalidParameter("model is missing: GET /v1/models lists them.", param="model")
    if _are_tokens(body.get("input")):
        raise InvalidParameter(
            "input must be texts: token ids of another tokenizer mean nothing here."
            " Switch the splitting into tokens off in your client.",
            param="input",
        )
    texts = fields.texts(body, "input", most=MAX_INPUTS, longest=MAX_INPUT_CHARACTERS)
    if not texts:
        raise InvalidParameter("input is missing: send a text or a list of texts.", param="input")
    if body.get("dimensions") is not None:
        raise InvalidParameter(
            "dimensions cannot be chosen: each model has a size of its own.", param="dimensions"
        )
    encoding = fields.choice(body, "encoding_format", ("float", "base64"))
    fields.text(body, "user", longest=512, is_line=True)
    return texts, model, encoding == "base64"


def _are_tokens(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    return isinstance(first, int) or (isinstance(first, list) and bool(first))


def _envelope(embedded: Embedded, *, is_base64: bool) -> JSONObject:
    tokens = embedded.embedding.prompt_tokens
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
            for index, vector in enumerate(embedded.embedding.vectors)
        ],
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            "cost": credits_number(embedded.cost_nano),
        },
    }


def _packed(vector: tuple[float, ...]) -> str:
    """Write a vector as the SDKs read it: base64 of little-endian float32."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
