"""The count that an answer is charged by, where the provider gave none."""

import logging
from collections.abc import Sequence

import pytest

from gateway.pipeline.execution.meter import Meter
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message
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
