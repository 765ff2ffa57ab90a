"""What keeps a silent stream alive: a comment for a provider's silence, nothing for a withheld chunk."""

from collections.abc import Generator, Iterable
from typing import Any, cast

import pytest

from gateway.api import sse
from gateway.api.dialects.openai_chat import ChatWriter
from gateway.pipeline.emulation.stop_sequences import stop_at
from gateway.pipeline.execution import stream as execution
from gateway.pipeline.execution.stream import CompletionStream
from gateway.providers.chat_types import ChatChunk, Usage
from gateway.providers.tick import TICK
from tests.pipeline.attempt_story import AttemptStory

END = ChatChunk(finish_reason="stop", usage=Usage(3, 2))


def _frames(steps: Iterable[Any]) -> list[bytes]:
    story = AttemptStory(cast("Any", list(steps)))
    stream = CompletionStream(
        identity="gen-1",
        created_s=0,
        attempts=story.attempts,
        cancel_token=story.cancel_token,
        settle=lambda report: 0,
        count_tokens=lambda candidate, texts: [1 for _ in texts],
        is_forgiven=lambda: True,
        admission=cast("Any", None),
        ignored=(),
    )
    return list(ChatWriter(has_usage_chunk=True).events(stream))


def _words() -> Generator[Any, None, None]:
    yield ChatChunk(text="раз ##")
    yield ChatChunk(text="#")
    yield TICK
    yield ChatChunk(text=" два")
    yield END


def test_a_tick_is_a_comment() -> None:
    frames = _frames([TICK, ChatChunk(text="да"), TICK, END])

    assert [frame == sse.COMMENT for frame in frames[:4]] == [True, False, False, True]


def test_a_chunk_whose_text_is_held_back_is_nothing_on_the_wire() -> None:
    frames = _frames([ChatChunk(text="да"), ChatChunk(), ChatChunk(usage=Usage(3, 1)), END])

    assert len(frames) == len(_frames([ChatChunk(text="да"), END]))
    assert sse.COMMENT not in frames


def test_the_beginning_of_a_stop_sequence_is_no_silence() -> None:
    frames = _frames(stop_at(_words(), ("####",)))

    assert frames.count(sse.COMMENT) == 1
    text = b"".join(frames).decode()
    assert "раз " in text
    assert "### два" in text


def test_chunks_held_back_for_long_are_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "TICK_S", 0.0)

    frames = _frames([ChatChunk(text="да"), ChatChunk(), END])

    assert sse.COMMENT in frames
