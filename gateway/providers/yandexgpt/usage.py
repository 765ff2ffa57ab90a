"""Counters of a YandexGPT answer -> Usage.

Source: ai/foundation_models/v1 of yandex-cloud/cloudapi, as proto3's JSON: an int64 is a string.
"""

from typing import Any

from gateway.providers._shared.token_counts import read_count
from gateway.providers.chat_types import Usage


def read_usage(usage: Any) -> Usage | None:
    """Read the counters of a completion; None where they are absent or cannot be true."""
    if not isinstance(usage, dict):
        return None
    prompt = read_count(usage.get("inputTextTokens"))
    completion = read_count(usage.get("completionTokens"))
    if prompt is None or completion is None:
        return None
    details = usage.get("completionTokensDetails")
    reasoning = read_count(details.get("reasoningTokens")) if isinstance(details, dict) else None
    # A part cannot exceed the whole.
    return Usage(prompt, completion, reasoning_tokens=min(reasoning or 0, completion))
