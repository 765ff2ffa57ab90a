"""The layers around one route, in their order: what the model lacks, made up for and checked."""

import secrets
from collections.abc import Callable

from gateway.pipeline.answer import Complete
from gateway.pipeline.structured_output import with_structured_output
from gateway.pipeline.tool_checking import with_tool_checking
from gateway.pipeline.tool_emulation import with_tool_emulation
from gateway.providers.profile import ModelProfile


def mint_call_id() -> str:
    """Make the id of a tool call, unique within any conversation."""
    return f"call_{secrets.token_hex(12)}"


def with_layers(
    complete: Complete,
    profile: ModelProfile,
    *,
    provider: str,
    mint_id: Callable[[], str] = mint_call_id,
) -> Complete:
    """Put all layers around `complete`, which asks one route of `provider`.

    Innermost the words of a prompt become tool calls, for what is around takes calls alone; outermost
    calls are checked, for structured output makes calls of its own, which are no caller's. An answer
    takes three requests to the provider at most, and two as a rule.
    """
    emulated = with_tool_emulation(complete, profile, mint_id=mint_id)
    structured = with_structured_output(emulated, profile, provider=provider)
    return with_tool_checking(structured, profile, provider=provider)
