"""What an answer costs that the provider's content filter ended: the words of the model's, if they came."""

from typing import Any, cast

import pytest

from gateway.pipeline.execution.stream import CompletionStream, Report
from gateway.providers.chat_types import ChatChunk, Usage
from tests.pipeline.attempt_story import AttemptStory

OWN = [ChatChunk(text="Сначала "), ChatChunk(text="возьмите "), ChatChunk(text="две ")]
PHRASE = "Не люблю менять тему разговора, но вот сейчас тот самый случай."


def _reported(
    *chunks: ChatChunk, is_streamed: bool = True, max_tokens: int | None = None
) -> Report:
    story = AttemptStory(chunks)
    candidate = story.attempts.current
    story.attempts.current = candidate._replace(
        request=candidate.request._replace(stream=is_streamed, max_tokens=max_tokens)
    )
    story.attempts._waiting[0] = story.attempts.current
    reports: list[Report] = []

    def settle(report: Report) -> int:
        reports.append(report)
        return 0

    stream = CompletionStream(
        identity="gen-1",
        created_s=0,
        attempts=story.attempts,
        cancel_token=story.cancel_token,
        settle=settle,
        count_tokens=lambda candidate, texts: [len(text) for text in texts],
        is_forgiven=lambda: True,
        admission=cast("Any", None),
        ignored=(),
    )
    assert list(stream)
    return reports[0]


def _end(text: str = "", usage: Usage | None = None) -> ChatChunk:
    return ChatChunk(text=text, finish_reason="content_filter", usage=usage)


def test_words_that_were_streamed_are_charged_as_the_provider_counts_them() -> None:
    report = _reported(*OWN, _end(usage=Usage(20, 3)))
    assert (report.rule, report.usage) == ("cut", Usage(20, 3))
    assert report.finish_reason == "content_filter"


def test_the_phrase_at_the_end_is_not_charged() -> None:
    report = _reported(*OWN, _end(PHRASE, Usage(20, 40)))
    assert (report.rule, report.usage.prompt_tokens) == ("cut", 20)
    assert report.usage.completion_tokens == len("Сначала возьмите две ")


def test_of_usage_that_grows_what_was_reported_before_the_filter_counts() -> None:
    partial = OWN[-1]._replace(usage=Usage(20, 3))
    report = _reported(*OWN[:-1], partial, _end(PHRASE, Usage(0, 0)))
    assert (report.rule, report.usage) == ("cut", Usage(20, 3))


def test_without_any_usage_it_is_estimated() -> None:
    report = _reported(*OWN, _end())
    assert (report.rule, report.usage.source) == ("cut", "estimated")


@pytest.mark.parametrize(
    "chunks",
    [
        [_end(PHRASE, Usage(20, 30))],
        [ChatChunk(text=PHRASE), _end(usage=Usage(20, 30))],
        [*(ChatChunk(text=f"{word} ") for word in PHRASE.split()), _end(usage=Usage(20, 30))],
        [ChatChunk(text="Об этом я говорить не буду."), _end(usage=Usage(20, 30))],
        [ChatChunk(text="Не люблю менять тему "), _end("разговора.", Usage(20, 30))],
        [ChatChunk(text="Об этом я говорить не "), _end("буду.", Usage(20, 30))],
    ],
)
def test_the_phrase_alone_costs_nothing(chunks: list[ChatChunk]) -> None:
    assert _reported(*chunks).rule == "void"


def test_a_plain_answer_costs_nothing() -> None:
    assert _reported(*OWN, _end(PHRASE, Usage(20, 40)), is_streamed=False).rule == "void"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_phrase_is_not_too_long_for_max_tokens(is_streamed: bool) -> None:
    end = _end(PHRASE, Usage(20, 17))
    report = _reported(end, is_streamed=is_streamed, max_tokens=10)
    assert (report.rule, report.finish_reason) == ("void", "content_filter")
