"""`usage` of an answer or an event -> Usage, or None where it cannot be true.

Source: OpenAI's API reference, chat/object; vLLM's protocol.py, UsageInfo; read 2026-11.
"""

from collections.abc import Mapping
from typing import Any

from gateway.providers._shared.token_counts import read_count
from gateway.providers.chat_types import Usage


def read_usage(usage: Any) -> Usage | None:
    """Read the counters; None if one is missing or cannot be true, for half a count is none.

    A prompt of no tokens is none either: some servers send zeros before they know, or when the prompt
    was cached. The details are parts of the counts beside them, and optional.
    """
    if not isinstance(usage, Mapping):
        return None
    prompt = read_count(usage.get("prompt_tokens"))
    completion = read_count(usage.get("completion_tokens"))
    if not prompt or completion is None:
        return None
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    return Usage(
        prompt,
        completion,
        cached_tokens=min(cached, prompt),
        reasoning_tokens=min(reasoning, completion),
    )


def _detail(usage: Mapping[str, Any], details: str, name: str) -> int:
    holder = usage.get(details)
    return (read_count(holder.get(name)) or 0) if isinstance(holder, Mapping) else 0
