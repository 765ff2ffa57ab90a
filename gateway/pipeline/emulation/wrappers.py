"""The wrappers around one route, in their order: they emulate what its model lacks, and check it."""

import secrets
from collections.abc import Callable

from gateway.pipeline.emulation.answer import Complete
from gateway.pipeline.emulation.batch import with_batch
from gateway.pipeline.emulation.stop_sequences import with_stop_sequences
from gateway.pipeline.emulation.structured_output import with_structured_output
from gateway.pipeline.emulation.tool_checking import with_tool_checking
from gateway.pipeline.emulation.tool_emulation import with_tool_emulation
from gateway.providers.profile import ModelProfile


def mint_call_id() -> str:
    """Make the id of a tool call, unique within any conversation."""
    return f"call_{secrets.token_hex(12)}"


def with_wrappers(
    complete: Complete,
    profile: ModelProfile,
    *,
    provider: str,
    mint_id: Callable[[], str] = mint_call_id,
) -> Complete:
    """Put the wrappers around `complete`, which asks one route of `provider`.

    Each hands a request that does not need it straight on, so that the chunks of a plain one pass through
    none. Innermost text becomes tool calls, for the others know calls alone; calls are checked outside of
    structured output, which makes calls of its own. Outermost each choice is asked for by itself. One takes
    three requests to the provider at most, and two as a rule.
    """
    emulated = with_tool_emulation(complete, profile, mint_id=mint_id)
    structured = with_structured_output(emulated, profile, provider=provider)
    checked = with_tool_checking(structured, profile, provider=provider)
    return with_batch(with_stop_sequences(checked), mint_id=mint_id)
