"""An answer is gathered whole, with signs of life meanwhile, and a repair costs its caller nothing."""

from gateway.pipeline.emulation.answer import WholeAnswer, gather, with_instruction
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.tick import TICK
from tests.pipeline.wrapper_chats import ScriptedModel, asking, words


def gathered(model, request):
    ticks = []
    chunks = gather(model(request), request)
    while True:
        try:
            ticks.append(next(chunks))
        except StopIteration as end:
            return ticks, end.value


def test_all_is_joined_and_ticks_pass():
    model = ScriptedModel(
        [
            [
                TICK,
                ChatChunk(text="При", reasoning="хм"),
                TICK,
                ChatChunk(text="вет", rewritten=True),
                ChatChunk(tool_calls=(ToolCallDelta(0, "c", "f", '{"a"'),)),
                ChatChunk(tool_calls=(ToolCallDelta(0, arguments=": 1}"),)),
                ChatChunk(finish_reason="tool_calls", native_finish_reason="FUNC"),
                ChatChunk(usage=Usage(3, 4)),
            ]
        ]
    )
    ticks, answer = gathered(model, asking("x"))
    assert ticks == [TICK, TICK]
    assert answer == WholeAnswer(
        text="Привет",
        reasoning="хм",
        calls=(ToolCall("c", "f", '{"a": 1}'),),
        finish_reason="tool_calls",
        native_finish_reason="FUNC",
        usage=Usage(3, 4),
        rewritten=True,
    )
    assert model.open_answers == 0


def test_the_chunk_of_an_answer_says_it_all():
    answer = WholeAnswer(
        "a", "b", (ToolCall("c", "f", "{}"),), "tool_calls", "FUNC", Usage(1, 2), True
    )
    assert WholeAnswer().with_chunk(answer.chunk()) == answer


def test_what_stays_open_behind_its_finish_is_not_waited_for():
    model = ScriptedModel([[*words("да"), TICK, ChatChunk(text="нет")]])
    _, answer = gathered(model, asking("x"))
    assert answer.text == "да"
    assert model.open_answers == 0


def test_an_endless_answer_is_left():
    model = ScriptedModel([[ChatChunk(text="а" * 1000)] * 50])
    _, answer = gathered(model, asking("x", max_tokens=10))
    assert answer.finish_reason == "length"
    assert len(answer.text) < 4000
    assert model.open_answers == 0


def test_a_departure_closes_the_answer():
    model = ScriptedModel([[TICK, *words("да")]])
    chunks = gather(model(asking("x")), asking("x"))
    assert next(chunks) == TICK
    chunks.close()
    assert model.open_answers == 0


def test_a_repair_is_not_paid_for():
    first = WholeAnswer(usage=Usage(100, 7, cached_tokens=50, reasoning_tokens=2))
    second = WholeAnswer(usage=Usage(180, 9, cached_tokens=90, reasoning_tokens=1))
    assert second.instead_of(first).usage == Usage(100, 9, cached_tokens=50, reasoning_tokens=1)
    assert second.instead_of(WholeAnswer()).usage is None
    assert WholeAnswer().instead_of(first).usage is None


def test_an_instruction_stands_behind_the_callers_own():
    messages = (Message("system", "a"), Message("user", "b"), Message("system", "c"))
    result = with_instruction(ChatRequest(messages), "x")
    assert [message.content for message in result.messages] == ["a", "x", "b", "c"]
    alone = with_instruction(ChatRequest((Message("system", "a"),)), "x")
    assert [message.content for message in alone.messages] == ["a", "x"]
