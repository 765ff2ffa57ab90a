"""Probabilities of tokens as vendors write them -> TokenLogprobs; what is not understood is left out."""

from typing import Any

from gateway.providers.chat_types import TokenLogprob


def read_logprob(chosen: Any, top: Any) -> TokenLogprob | None:
    """Read `{"token", "logprob"}` of a chosen token, and a list of such of the likeliest in its place."""
    token = _pair(chosen)
    if token is None:
        return None
    others = map(_pair, top) if isinstance(top, list) else ()
    return TokenLogprob(*token, top=tuple(other for other in others if other is not None))


def _pair(value: Any) -> tuple[str, float] | None:
    if not isinstance(value, dict):
        return None
    token, logprob = value.get("token"), value.get("logprob")
    if not isinstance(token, str) or isinstance(logprob, bool):
        return None
    return (token, float(logprob)) if isinstance(logprob, int | float) else None
