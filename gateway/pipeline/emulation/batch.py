"""Several prompts in one request, which no provider takes: each is asked for by itself, one after the other."""

import contextlib
from collections.abc import Generator, Sequence

from gateway.pipeline.emulation.answer import Complete
from gateway.pipeline.request import parts
from gateway.providers.chat_types import ChatChunk, ChatRequest, FinishReason, Usage
from gateway.providers.tick import Tick

_NOTHING = Usage(0, 0)


def with_batch(complete: Complete) -> Complete:
    """Answer each prompt of a batch as a choice, in order; the last chunk has the usage of all of them.

    Each choice has a chunk with its finish reason. A failure of one is the failure of all; of a batch that
    is not streamed nothing has come by then.
    """

    def batched(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        if not request.is_batch:
            return complete(request)
        choices = _choices(complete, parts(request))
        return choices if request.stream else _together(choices)

    return batched


def _together(
    steps: Generator[Tick | ChatChunk, None, None],
) -> Generator[Tick | ChatChunk, None, None]:
    """Yield the chunks when all have come: until then another candidate may answer the whole batch."""
    chunks: list[ChatChunk] = []
    with contextlib.closing(steps):
        for step in steps:
            if isinstance(step, Tick):
                yield step
            else:
                chunks.append(step)
    yield from chunks


def _choices(
    complete: Complete, prompts: Sequence[ChatRequest]
) -> Generator[Tick | ChatChunk, None, None]:
    total: Usage | None = _NOTHING
    for choice, prompt in enumerate(prompts):
        usage: Usage | None = None
        finish: FinishReason | None = None
        with contextlib.closing(complete(prompt)) as chunks:
            for chunk in chunks:
                if isinstance(chunk, Tick):
                    if finish is not None:
                        break
                    yield chunk
                    continue
                usage = chunk.usage or usage
                finish = chunk.finish_reason or finish
                yield chunk._replace(choice=choice, usage=None)
        if finish is None:
            yield ChatChunk(finish_reason="stop", choice=choice)
        total = _sum(total, _NOTHING if finish == "content_filter" else usage)
    if total is not None and total != _NOTHING:
        yield ChatChunk(usage=total, choice=len(prompts) - 1)


def _sum(total: Usage | None, usage: Usage | None) -> Usage | None:
    """Add up; unknown where one of them is."""
    if total is None or usage is None:
        return None
    return Usage(
        prompt_tokens=total.prompt_tokens + usage.prompt_tokens,
        completion_tokens=total.completion_tokens + usage.completion_tokens,
        cached_tokens=total.cached_tokens + usage.cached_tokens,
        reasoning_tokens=total.reasoning_tokens + usage.reasoning_tokens,
        source=usage.source if total.source == "provider" else total.source,
    )
