"""Refuse the parameters that a wire has no place for."""

from collections.abc import Set as AbstractSet

from gateway.providers.chat_types import ChatRequest
from gateway.providers.errors import UnsupportedInput
from gateway.providers.profile import NO_OP_VALUES


def refuse_all_but(honoured: AbstractSet[str], request: ChatRequest) -> None:
    """Raise UnsupportedInput for a parameter that is not `honoured` and would change the answer."""
    for name, no_op in NO_OP_VALUES.items():
        if name not in honoured:
            value = getattr(request, name)
            if value is not None and value != no_op:
                raise UnsupportedInput(f"This model has no {name}.", param=name)
