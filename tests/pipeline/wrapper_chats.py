"""What tests of the wrappers share: scripted models, adapters before the sandbox, collected answers."""

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.pipeline.emulation.answer import Complete, WholeAnswer
from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.providers.base import Abort
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    ToolCallDelta,
    Usage,
)
from gateway.providers.errors import ProviderError
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick

NATIVE = ModelProfile(
    context_tokens=32_768,
    max_output_tokens=8_192,
    tools="native",
    tool_choice_required="native",
    parallel_tool_calls=True,
    json_object="native",
    json_schema="native",
)
HALF_NATIVE = ModelProfile(
    context_tokens=32_768,
    max_output_tokens=8_192,
    tools="native",
    tool_choice_required="emulated",
    json_object="emulated",
    json_schema="emulated",
)
EMULATED = ModelProfile(
    context_tokens=32_768,
    max_output_tokens=8_192,
    tools="emulated",
    tool_choice_required="emulated",
    parallel_tool_calls=True,
    json_object="emulated",
    json_schema="emulated",
)

Script = Sequence[Tick | ChatChunk | ProviderError]


@dataclass
class ScriptedModel:
    """Answers with what it was given, one script after another, and notes what it was asked."""

    scripts: list[Script]
    asked: list[ChatRequest] = field(default_factory=list)
    open_answers: int = 0

    def __call__(self, request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        assert self.open_answers == 0, "asked again before the last answer was closed"
        script = self.scripts[len(self.asked)]
        self.asked.append(request)
        self.open_answers += 1
        try:
            for step in script:
                if isinstance(step, ProviderError):
                    raise step
                yield step
        finally:
            self.open_answers -= 1

    @property
    def prompt(self) -> str:
        """All that was said to the model last."""
        return "\n".join(message.content for message in self.asked[-1].messages)


def words(*pieces: str, finish: Any = "stop", usage: Usage | None = None) -> list[ChatChunk]:
    return [
        *(ChatChunk(text=piece) for piece in pieces),
        ChatChunk(finish_reason=finish, usage=usage),
    ]


def call(name: str, arguments: str, usage: Usage | None = None) -> list[ChatChunk]:
    delta = ToolCallDelta(0, "call_native", name, arguments)
    return [ChatChunk(tool_calls=(delta,), finish_reason="tool_calls", usage=usage)]


def layered(model: Complete, profile: ModelProfile) -> Complete:
    numbers = itertools.count(1)
    return with_wrappers(model, profile, provider="p", mint_id=lambda: f"call_{next(numbers)}")


def chunks_in(steps: Iterable[Tick | ChatChunk]) -> list[ChatChunk]:
    return [step for step in steps if isinstance(step, ChatChunk)]


def collected(steps: Iterable[Tick | ChatChunk]) -> WholeAnswer:
    answer = WholeAnswer()
    for chunk in chunks_in(steps):
        answer = answer.with_chunk(chunk)
    return answer


def asking(text: str, **fields: Any) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),), **fields)


class UncancelledToken:
    """A cancel token that nobody cancels."""

    def __init__(self) -> None:
        self.deadline_s = time.monotonic() + 60

    def bind(self, abort: Abort) -> None: ...

    def unbind(self) -> None: ...


def route(provider: Any, upstream_id: str) -> Callable[[ChatRequest], Any]:
    """Ask an adapter as the pipeline does."""
    return lambda request: provider.stream(
        request, upstream_id=upstream_id, cancel_token=UncancelledToken()
    )
