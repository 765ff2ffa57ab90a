"""Embeddings and token counts of YandexGPT: one text a request, answers checked.

Source: ai/foundation_models/v1 of yandex-cloud/cloudapi, embedding and tokenizer.
"""

from gateway.providers._shared.embeddings import read_vector
from gateway.providers._shared.token_counts import read_count
from gateway.providers.chat_types import Embedding, JSONObject
from gateway.providers.yandexgpt.answers import raise_garbled


def read_token_list(answer: JSONObject) -> int:
    """Count the tokens that a tokenizer lists. Raises ProviderProtocolError if it lists none."""
    tokens = answer.get("tokens")
    if not isinstance(tokens, list):
        raise_garbled("an answer without tokens")
    return len(tokens)


def read_embedding(answer: JSONObject) -> Embedding:
    """Read `{"embedding", "numTokens"}`. Raises ProviderProtocolError."""
    vector, tokens = read_vector(answer.get("embedding")), read_count(answer.get("numTokens"))
    if tokens is None or vector is None:
        raise_garbled("an embedding of the wrong form")
    return Embedding((vector,), tokens)
