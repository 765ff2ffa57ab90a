"""Request bodies as JSON."""

import orjson

from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import UnsupportedInput
from infra import exact_json


def encode_json(payload: JSONObject) -> bytes:
    """Write a payload as UTF-8 JSON.

    Raises UnsupportedInput on what JSON cannot hold: lone surrogates, endless nesting.
    """
    try:
        return exact_json.dumps(payload)
    except orjson.JSONEncodeError as error:
        raise UnsupportedInput(
            f"The request cannot be written as JSON: {error}.", param="messages"
        ) from error
