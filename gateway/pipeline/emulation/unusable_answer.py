"""An answer that is not of the form that was demanded, not even after a repair: nothing of it leaves."""

from gateway.pipeline import token_estimate
from gateway.pipeline.emulation.answer import WholeAnswer
from gateway.providers.chat_types import ChatRequest, Usage
from gateway.providers.errors import ProviderProtocolError


class UnusableAnswer(ProviderProtocolError):
    """The model answered twice, and neither answer will do. `usage` is what both took.

    The message has the fault and no word of the model's: else it would be an answer for nothing.
    """

    retryable = False

    def __init__(self, message: str, *, provider: str, usage: Usage) -> None:
        super().__init__(message, provider=provider)
        self.usage = usage


def usage_of(*asked: tuple[ChatRequest, WholeAnswer]) -> Usage:
    """Return what several requests took together; what the provider has not counted is estimated."""
    counts = [answer.usage or _estimate(request, answer) for request, answer in asked]
    is_exact = all(count.source == "provider" for count in counts)
    return Usage(
        prompt_tokens=sum(count.prompt_tokens for count in counts),
        completion_tokens=sum(count.completion_tokens for count in counts),
        cached_tokens=sum(count.cached_tokens for count in counts),
        reasoning_tokens=sum(count.reasoning_tokens for count in counts),
        source="provider" if is_exact else "estimated",
    )


def _estimate(request: ChatRequest, answer: WholeAnswer) -> Usage:
    calls = (call.name + call.arguments for call in answer.calls)
    text = "".join((answer.text, answer.reasoning, *calls))
    return Usage(
        token_estimate.prompt_tokens(request), token_estimate.text_tokens(text), source="estimated"
    )
