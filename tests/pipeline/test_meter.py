"""The count that an answer is charged by, where the provider gave none."""

import logging
from collections.abc import Sequence

import pytest

from gateway.pipeline.execution.meter import Meter
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message, Usage
from gateway.providers.errors import ProviderUnavailable

REQUEST = ChatRequest(messages=(Message("user", "Назови столицу."),))


@pytest.mark.parametrize(
    ("failure", "level"),
    [(ProviderUnavailable("away", provider="x"), logging.INFO), (RuntimeError(), logging.ERROR)],
)
def test_an_answer_is_counted_by_an_estimate_whatever_the_counter_fails_of(
    failure: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    def count_tokens(texts: Sequence[str]) -> list[int]:
        raise failure

    meter = Meter(context_tokens=1000)
    meter.take(ChatChunk(text="Москва, конечно."))
    with caplog.at_level(logging.INFO):
        usage = meter.final_usage(REQUEST, count_tokens)
    assert (usage.source, usage.completion_tokens > 0) == ("estimated", True)
    [record] = caplog.records
    assert (record.levelno, bool(record.exc_info)) == (level, level == logging.ERROR)


@pytest.mark.parametrize(
    ("reported", "charged"),
    [
        (Usage(0, 0), Usage(7, 5, source="estimated")),
        (Usage(0, 3), Usage(7, 5, source="estimated")),
        (Usage(9, 0, cached_tokens=4), Usage(9, 5, cached_tokens=4, source="estimated")),
        (Usage(9, 3), Usage(9, 3)),
    ],
)
def test_no_tokens_are_no_count_of_an_answer_that_has_words(
    reported: Usage, charged: Usage
) -> None:
    meter = Meter(context_tokens=1000)
    meter.take(ChatChunk(text="Москва, конечно."))
    meter.take(ChatChunk(finish_reason="stop", usage=reported))

    assert meter.final_usage(REQUEST, lambda texts: [7, 5]) == charged


def test_an_answer_without_words_has_no_tokens() -> None:
    meter = Meter(context_tokens=1000)
    meter.take(ChatChunk(finish_reason="stop", usage=Usage(9, 0)))

    assert meter.final_usage(REQUEST, lambda texts: [7, 5]) == Usage(9, 0)


def test_a_refusal_is_an_answer_with_words() -> None:
    meter = Meter(context_tokens=1000)
    meter.take(ChatChunk(refusal="Не могу."))
    meter.take(ChatChunk(finish_reason="stop", usage=Usage(9, 3)))

    assert meter.has_output
    assert meter.final_usage(REQUEST, lambda texts: [7, 5]) == Usage(9, 3)


@pytest.mark.parametrize(("begun", "prompt_tokens"), [(1, 7), (3, 21)])
def test_the_prompt_counts_once_for_each_choice_that_has_begun(
    begun: int, prompt_tokens: int
) -> None:
    meter = Meter(context_tokens=1000)
    for choice in range(begun):
        meter.take(ChatChunk(text="Москва.", choice=choice))

    usage = meter.final_usage(REQUEST._replace(n=4), lambda texts: [7, 5])

    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt_tokens, 5)


def test_of_a_batch_the_prompts_count_that_have_been_asked() -> None:
    messages = tuple(Message("user", text) for text in ("раз", "два", "три"))
    meter = Meter(context_tokens=1000)
    meter.take(ChatChunk(text="1", choice=2))
    counted: list[str] = []

    def count_tokens(texts: Sequence[str]) -> list[int]:
        counted.extend(texts)
        return [10, 3, 1]

    usage = meter.final_usage(ChatRequest(messages, is_batch=True, n=2), count_tokens)

    assert counted == ["раз", "два", "1"]
    assert usage.prompt_tokens == 2 * 10 + 3
