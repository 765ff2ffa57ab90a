"""What an answer costs of which the caller has seen nothing, and who may still be asked for it."""

from typing import Any, cast

import pytest

from gateway.pipeline.emulation.unusable_answer import UnusableAnswer
from gateway.pipeline.execution.stream import CompletionStream, Report
from gateway.providers.chat_types import ChatChunk, Usage
from gateway.providers.errors import ProviderError, ProviderProtocolError
from tests.pipeline.attempt_story import AttemptStory

THOUGHT = ChatChunk(reasoning="Надо подумать. ")
WORD = ChatChunk(text="Да")
END = ChatChunk(finish_reason="stop", usage=Usage(20, 3))
BROKEN = ProviderProtocolError("it was cut", provider="a")


class Story:
    """One completion of scripted providers, and its settlement."""

    def __init__(
        self, *scripts: list[Any], is_streamed: bool = True, hides_reasoning: bool = True
    ) -> None:
        self.reports: list[Report] = []
        story = AttemptStory(*scripts, hides_reasoning=hides_reasoning)
        waiting = [
            candidate._replace(request=candidate.request._replace(stream=is_streamed))
            for candidate in story.attempts._waiting
        ]
        story.attempts._waiting.clear()
        story.attempts._waiting.extend(waiting)
        story.attempts.current = waiting[0]
        self.stream = CompletionStream(
            identity="gen-1",
            created_s=0,
            attempts=story.attempts,
            cancel_token=story.cancel_token,
            settle=self._settle,
            count_tokens=lambda candidate, texts: [len(text) for text in texts],
            is_forgiven=lambda: False,
            admission=cast("Any", None),
            ignored=(),
            hides_reasoning=hides_reasoning,
        )

    def _settle(self, report: Report) -> int:
        self.reports.append(report)
        return 0


def test_a_client_who_leaves_before_a_word_pays_nothing_for_hidden_thoughts() -> None:
    story = Story([THOUGHT, THOUGHT, WORD, END])
    chunks = iter(story.stream._attempts.chunks())
    story.stream._take(cast("ChatChunk", next(chunks)))
    story.stream.close()

    [report] = story.reports
    assert (report.rule, report.usage.completion_tokens) == ("void", 0)


@pytest.mark.parametrize("is_streamed", [True, False])
def test_an_answer_that_breaks_behind_hidden_thoughts_costs_nothing(is_streamed: bool) -> None:
    story = Story([THOUGHT, BROKEN], is_streamed=is_streamed)

    with pytest.raises(ProviderError):
        list(story.stream)

    assert story.reports[0].rule == "void"


def test_a_plain_answer_that_breaks_costs_nothing_however_far_it_came() -> None:
    story = Story([WORD, WORD, BROKEN], is_streamed=False)

    with pytest.raises(ProviderError):
        list(story.stream)

    assert story.reports[0].rule == "void"


def test_thoughts_and_words_that_were_streamed_are_charged() -> None:
    for chunks, hides in (([THOUGHT, BROKEN], False), ([THOUGHT, WORD, BROKEN], True)):
        story = Story(list(chunks), hides_reasoning=hides)

        with pytest.raises(ProviderError):
            list(story.stream)

        assert story.reports[0].rule == "cut"


def test_behind_hidden_thoughts_the_next_candidate_is_still_asked_and_counted_alone() -> None:
    story = Story([THOUGHT, BROKEN], [WORD, END._replace(usage=None)])

    assert list(story.stream) == [WORD]

    [report] = story.reports
    assert [attempt.outcome for attempt in report.attempts] == ["not_understood", "answered"]
    assert report.usage.completion_tokens == len("Да")


def test_an_unusable_answer_behind_thoughts_is_charged_by_its_own_rule() -> None:
    used = Usage(20, 7)
    story = Story([THOUGHT, UnusableAnswer("no JSON", provider="a", usage=used)], is_streamed=False)

    with pytest.raises(UnusableAnswer):
        list(story.stream)

    assert (story.reports[0].rule, story.reports[0].usage) == ("cut", used)


def test_a_refusal_is_delivered_and_paid_and_no_reason_to_ask_another() -> None:
    story = Story([ChatChunk(refusal="Не могу."), BROKEN], [WORD, END])

    with pytest.raises(ProviderError):
        list(story.stream)

    assert (story.reports[0].rule, len(story.stream._attempts.history)) == ("cut", 1)
    finished = Story([ChatChunk(refusal="Не могу."), END])
    assert [chunk.refusal for chunk in finished.stream if isinstance(chunk, ChatChunk)] == [
        "Не могу."
    ]
    assert (finished.reports[0].rule, finished.reports[0].usage) == ("finished", Usage(20, 3))


def test_a_refusal_that_is_too_long_is_trimmed_as_a_text_is() -> None:
    story = Story([ChatChunk(refusal="Не могу.", finish_reason="stop", usage=Usage(20, 4))])
    [candidate] = story.stream._attempts._waiting
    limited = candidate._replace(request=candidate.request._replace(max_tokens=2))
    story.stream._attempts._waiting[0] = story.stream._attempts.current = limited

    [chunk] = [each for each in story.stream if isinstance(each, ChatChunk)]
    assert (chunk.refusal, story.stream.outcome.finish_reason) == ("Не м", "length")
