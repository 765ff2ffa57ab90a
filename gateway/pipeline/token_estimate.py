"""How many tokens a text may be before its provider has counted it, and how long an answer. Pure.

No tokenizer of either vendor is public. Two figures bracket the truth: an upper bound that a hold can rely
on, and a lower bound, so that only a prompt which cannot possibly fit is refused for its length.
"""

from collections.abc import Iterable

from gateway.providers.chat_types import ChatRequest
from infra import exact_json

BYTES_PER_TOKEN_BOUND = 2
CHARACTERS_PER_TOKEN_FLOOR = 6
MESSAGE_TOKENS = 8
IMAGE_TOKENS = 2048
MOST_CHARACTERS_PER_TOKEN = 10
OVERRUN_SLACK_CHARACTERS = 1024
MOST_CHUNKS_PER_TOKEN = 2
OVERRUN_SLACK_CHUNKS = 256


def text_tokens(text: str) -> int:
    """Estimate the tokens of `text`: billed where the provider's count is lost."""
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


def most_characters(max_tokens: int) -> int:
    """Return the length past which an answer cannot be within `max_tokens`."""
    return MOST_CHARACTERS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHARACTERS


def is_overrun(max_tokens: int, *, characters: int, chunks: int) -> bool:
    """Say whether an answer of unknown tokens is past `max_tokens` by its length or its chunks."""
    return (
        characters > most_characters(max_tokens)
        or chunks > MOST_CHUNKS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHUNKS
    )


def texts(request: ChatRequest) -> Iterable[str]:
    """Yield every text of a prompt, with its tools and schema."""
    for message in request.messages:
        yield message.content
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in request.tools:
        yield tool.name + tool.description
        yield exact_json.dumps(tool.parameters).decode()
    if request.response_format and request.response_format.schema:
        yield exact_json.dumps(request.response_format.schema).decode()
