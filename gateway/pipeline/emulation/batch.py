"""Several choices in one request, which no provider takes: each is asked for by itself, one after the other."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from gateway.pipeline.emulation.answer import Complete
from gateway.pipeline.request import parts
from gateway.providers.chat_types import ChatChunk, ChatRequest, FinishReason, ToolCallDelta, Usage
from gateway.providers.tick import Tick

_NOTHING = Usage(0, 0)


def with_batch(complete: Complete, *, mint_id: Callable[[], str]) -> Complete:
    """Answer each prompt of a batch `n` times, in order; the last chunk has the usage of all choices.

    Each choice has a chunk with its finish reason, and calls with ids of their own. A failure of one is
    the failure of all; of a batch that is not streamed nothing has come by then.
    """

    def batched(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        asked = parts(request)
        if len(asked) == 1:
            return complete(*asked)
        choices = _choices(complete, asked, mint_id)
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
    complete: Complete, asked: Sequence[ChatRequest], mint_id: Callable[[], str]
) -> Generator[Tick | ChatChunk, None, None]:
    total: Usage | None = _NOTHING
    ids: set[str] = set()
    for choice, request in enumerate(asked):
        usage: Usage | None = None
        finish: FinishReason | None = None
        with contextlib.closing(complete(request)) as chunks:
            for chunk in chunks:
                if isinstance(chunk, Tick):
                    if finish is not None:
                        break
                    yield chunk
                    continue
                usage = chunk.usage or usage
                finish = chunk.finish_reason or finish
                calls = tuple(_with_new_ids(chunk.tool_calls, ids, mint_id))
                yield chunk._replace(choice=choice, usage=None, tool_calls=calls)
        if finish is None:
            yield ChatChunk(finish_reason="stop", choice=choice)
        total = _sum(total, _NOTHING if finish == "content_filter" else usage)
    if total is not None and total != _NOTHING:
        yield ChatChunk(usage=total, choice=len(asked) - 1)


def _with_new_ids(
    calls: Sequence[ToolCallDelta], ids: set[str], mint_id: Callable[[], str]
) -> Iterator[ToolCallDelta]:
    """Put an id of ours in the place of one that came before: not every provider tells answers apart."""
    for call in calls:
        if call.id in ids:
            call = replace(call, id=mint_id())
        if call.id is not None:
            ids.add(call.id)
        yield call


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
