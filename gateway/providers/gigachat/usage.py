"""`usage` of an answer or an event -> Usage, or None where it cannot be true.

Both chat forms count what was cached beside the rest of the prompt, which is their sum. Source:
developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat and post-chat-v-2; ai-forever/gpt2giga;
read 2026-11.
"""

from collections.abc import Mapping
from typing import Any

from gateway.providers._shared.token_counts import is_count
from gateway.providers.chat_types import Usage


def read_usage(usage: Any) -> Usage | None:
    """Read the counters of the first form; None if one is missing or cannot be true: half a count is none."""
    if not isinstance(usage, Mapping):
        return None
    return _usage(
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        usage.get("precached_prompt_tokens"),
    )


def read_v2_usage(usage: Any) -> Usage | None:
    """Read the counters of the second form, as `read_usage` does."""
    if not isinstance(usage, Mapping):
        return None
    details = usage.get("input_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return _usage(usage.get("input_tokens"), usage.get("output_tokens"), cached)


def _usage(prompt: Any, completion: Any, cached: Any) -> Usage | None:
    cached = 0 if cached is None else cached
    if not (is_count(prompt) and is_count(completion) and is_count(cached)):
        return None
    return Usage(prompt + cached, completion, cached_tokens=cached)
