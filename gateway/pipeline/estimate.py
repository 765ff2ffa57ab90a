"""How many tokens a text may be, before its provider has counted it. Pure.

No tokenizer of either vendor is public. Two figures bracket the truth: a bound that a hold can rely on,
and a floor below which no tokenizer goes, so that only a prompt which cannot fit is refused for length.
"""

from collections.abc import Iterable

import orjson

from gateway.providers.chat_types import ChatRequest

BYTES_PER_TOKEN_BOUND = 2
CHARACTERS_PER_TOKEN_FLOOR = 6
MESSAGE_TOKENS = 8
IMAGE_TOKENS = 2048


def text_tokens(text: str) -> int:
    """Estimate the tokens of `text`, 0 for none: what is billed when the provider's count is lost."""
    return -(-len(text) * 2 // 7)


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a whole prompt."""
    return sum(map(text_tokens, texts(request))) + 4 * len(request.messages)


def prompt_bound_tokens(request: ChatRequest) -> int:
    """Bound the tokens of a prompt from above: a Cyrillic letter, or two Latin ones, as a token each."""
    size = sum(len(text.encode("utf-8", "replace")) for text in texts(request))
    images = sum(len(message.images) for message in request.messages)
    return (
        -(-size // BYTES_PER_TOKEN_BOUND)
        + MESSAGE_TOKENS * (len(request.messages) + 1)
        + IMAGE_TOKENS * images
    )


def prompt_floor_tokens(request: ChatRequest) -> int:
    """Bound the tokens of a prompt from below."""
    return sum(map(len, texts(request))) // CHARACTERS_PER_TOKEN_FLOOR


def texts(request: ChatRequest) -> Iterable[str]:
    """Yield every text of a prompt, tools and schema included."""
    for message in request.messages:
        yield message.content
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in request.tools:
        yield tool.name + tool.description
        yield orjson.dumps(tool.parameters).decode()
    if request.response_format and request.response_format.schema:
        yield orjson.dumps(request.response_format.schema).decode()
