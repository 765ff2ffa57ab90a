"""Who is asked after whom: faults before the first chunk move on, within attempts, budget and time."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.errors import CredentialEnded
from gateway.api.errors import failure_of
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.errors import NoProviderAvailable, ProvidersFull
from gateway.pipeline.execution.attempts import FREE, Attempts
from gateway.pipeline.execution.provider_call import AttemptSkipped, ProviderCall, ShareTaken
from gateway.providers.chat_types import ChatChunk, Usage
from gateway.providers.errors import (
    ModelUnpaid,
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.tick import TICK
from gateway.upstreams import QueueWait, SlotElsewhere
from tests.pipeline.attempt_story import WORD, AttemptStory, Step, error, taken


def test_the_first_that_answers_is_the_only_one() -> None:
    story = AttemptStory([TICK, WORD, WORD], [WORD])

    assert story.run() == [TICK, WORD, WORD]
    assert story.outcomes == [("a", "answered")]


@pytest.mark.parametrize("kind", [ProviderUnavailable, ProviderTimeout, ProviderRateLimited])
def test_a_fault_before_the_first_chunk_moves_on(kind: type[ProviderError]) -> None:
    story = AttemptStory([TICK, error(kind)], [WORD])

    assert story.run() == [TICK, WORD]
    assert [name for name, _ in story.outcomes] == ["a", "b"]
    assert story.attempts.current.model.id == "b"


def test_a_fault_behind_what_the_caller_gets_nothing_of_moves_on() -> None:
    counted = ChatChunk(usage=Usage(20, 1), rewritten=True)  # the first word, which is held back
    story = AttemptStory([counted, error()], [WORD])

    assert story.run() == [counted, WORD]
    assert story.outcomes == [("a", "unavailable"), ("b", "answered")]


def test_a_fault_behind_the_first_chunk_does_not() -> None:
    story = AttemptStory([WORD, error()], [WORD])

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [(None, "cancelled"), (CredentialEnded(), "credential_ended")],
)
def test_what_ends_with_its_caller_is_no_failure_of_the_provider(
    reason: Exception | None, outcome: str
) -> None:
    story = AttemptStory([TICK], [WORD])
    story.cancel_token.cancel(reason)

    with pytest.raises(ProviderProtocolError):
        story.run()

    assert story.outcomes == [("a", outcome)]


def test_a_wrong_request_is_nobody_elses() -> None:
    story = AttemptStory([error(ProviderRejected)], [WORD])

    with pytest.raises(ProviderRejected):
        story.run()

    assert story.asked == ["a"]


def test_three_attempts_at_most_and_the_last_ones_error() -> None:
    refusals: list[list[Step]] = [[error(ProviderAuthError)] for _ in "abc"]
    story = AttemptStory(*refusals)
    story.credentials = {"a": ["one", "two", "three", "four"]}
    story.scripts["a"] = [error(ProviderAuthError) for _ in range(9)]

    with pytest.raises(ProviderAuthError):
        story.run()

    assert story.asked == ["a", "a", "b"]
    assert {item.provider for item in story.attempts.skipped} == {"a", "b", "c"}


def test_a_refused_credential_gives_its_route_to_another_one() -> None:
    story = AttemptStory([error(ProviderAuthError), WORD], [WORD])
    story.credentials = {"a": ["one", "two"]}

    assert story.run() == [WORD]
    assert story.outcomes == [("a", "credential_refused"), ("a", "answered")]
    assert story.avoided == [frozenset(), {"one"}]


def test_without_another_credential_the_next_route_is_asked_and_nothing_is_said_of_it() -> None:
    story = AttemptStory(
        [error(ProviderAuthError), AttemptSkipped("it has no other credential")], [WORD]
    )

    assert story.run() == [WORD]
    assert story.outcomes == [("a", "credential_refused"), ("b", "answered")]
    assert story.attempts.skipped == []


@pytest.mark.parametrize(
    "fault",
    [
        error(),
        error(status=503),
        error(ProviderTimeout),
        error(ProviderRateLimited, status=429),
        error(ProviderProtocolError),
    ],
    ids=["no connection", "503", "timeout", "429", "garbage"],
)
def test_after_a_fault_of_the_provider_another_provider_is_asked_first(fault: Exception) -> None:
    story = AttemptStory([fault], [WORD], [WORD], providers="xxy")

    assert story.run() == [WORD]
    assert story.asked == ["a", "c"]
    assert [item.model.id for item in story.attempts.postponed] == ["b"]


def test_after_a_fault_of_the_model_alone_its_provider_may_follow() -> None:
    story = AttemptStory([error(status=404)], [WORD], [WORD], providers="xxy")

    assert story.run() == [WORD]
    assert story.asked == ["a", "b"]
    assert story.attempts.postponed == []


def test_a_model_that_is_not_paid_for_leaves_its_credential_to_other_models() -> None:
    story = AttemptStory(
        [error(ModelUnpaid), AttemptSkipped("it has no other credential")],
        [WORD],
        [WORD],
        providers="xxy",
    )

    assert story.run() == [WORD]
    assert story.asked == ["a", "a", "b"]
    assert story.avoided == [frozenset(), {"one"}, frozenset()]
    assert story.attempts.postponed == []


def test_a_model_that_is_not_paid_for_is_asked_of_another_credential() -> None:
    story = AttemptStory([error(ModelUnpaid), WORD], [WORD])
    story.credentials = {"a": ["one", "two"]}

    assert story.run() == [WORD]
    assert story.avoided == [frozenset(), {"one"}]


def test_with_every_provider_failing_each_is_asked_before_any_is_asked_again() -> None:
    story = AttemptStory([error()], [error()], [error()], providers="xxy")

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a", "c", "b"]


def test_where_no_credential_of_a_provider_is_taken_another_provider_is_asked() -> None:
    refused = ProviderAuthError
    story = AttemptStory([error(refused), error(refused)], [WORD], [WORD], providers="xxy")
    story.credentials = {"a": ["one", "two"]}

    assert story.run() == [WORD]
    assert story.asked == ["a", "a", "c"]
    assert [item.model.id for item in story.attempts.postponed] == ["b"]


def test_a_provider_that_refuses_its_first_credential_alone_still_answers() -> None:
    story = AttemptStory([error(ProviderAuthError), WORD], [WORD], [WORD], providers="xxy")
    story.credentials = {"a": ["one", "two"]}

    assert story.run() == [WORD]
    assert story.asked == ["a", "a"]


def test_where_a_provider_has_no_other_credential_another_provider_is_asked() -> None:
    story = AttemptStory(
        [error(ProviderAuthError), AttemptSkipped("it has no other credential")],
        [AttemptSkipped("it has no credential that works")],
        [WORD],
        providers="xxy",
    )

    assert story.run() == [WORD]
    assert story.asked[-1] == "c"


def test_another_model_is_asked_with_a_refused_credential_when_nobody_else_istaken() -> None:
    story = AttemptStory(
        [error(ProviderAuthError), AttemptSkipped("it has no other credential")],
        [AttemptSkipped("it has no credential that works"), WORD],
        [error()],
        providers="xxy",
    )

    assert story.run() == [WORD]
    assert story.asked == ["a", "a", "b", "c", "b"]
    assert story.avoided == [frozenset(), {"one"}, {"one"}, frozenset(), frozenset()]
    assert [item.model.id for item in story.attempts.postponed] == ["b"]
    assert story.outcomes[-1] == ("x", "answered")
    assert story.attempts.skipped == []


def test_who_cannot_be_asked_with_a_refused_credential_either_is_skipped_with_the_reason() -> None:
    story = AttemptStory(
        [error(ProviderAuthError), AttemptSkipped("it has no other credential")],
        [AttemptSkipped("it rests"), AttemptSkipped("it still rests")],
        providers="xx",
    )

    with pytest.raises(ProviderAuthError):
        story.run()

    assert [skipped.reason for skipped in story.attempts.skipped] == ["it still rests"]


def test_any_other_fault_asks_no_route_twice() -> None:
    story = AttemptStory([error()], [error()])

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a", "b"]


def test_who_cannot_be_asked_is_skipped_at_no_cost() -> None:
    story = AttemptStory([AttemptSkipped("its route rests after failures")], [WORD])

    assert story.run() == [WORD]
    assert story.outcomes == [("b", "answered")]
    [skipped] = story.attempts.skipped
    assert (skipped.provider, skipped.reason) == ("a", "its route rests after failures")
    assert taken(story.budget) == FREE


def test_with_nobody_to_ask_no_provider_is_available_until_the_first_is() -> None:
    story = AttemptStory(
        [AttemptSkipped("a", retry_after_s=7.0)], [AttemptSkipped("b", retry_after_s=3.0)]
    )

    with pytest.raises(NoProviderAvailable) as refusal:
        story.run()

    assert refusal.value.retry_after_s == 3.0
    assert story.outcomes == []
    assert story.attempts.current.model.id == "a"


@pytest.mark.parametrize(
    ("others", "error", "code"),
    [
        (ShareTaken("full"), ProvidersFull, "overloaded"),
        (AttemptSkipped("it rests"), NoProviderAvailable, "no_provider_available"),
    ],
)
def test_where_only_room_is_missing_the_service_is_full(
    others: AttemptSkipped, error: type[Exception], code: str
) -> None:
    story = AttemptStory([ShareTaken("full", retry_after_s=1.0)], [others])

    with pytest.raises(error) as refusal:
        story.run()

    failure = failure_of(refusal.value)
    assert (failure.status, failure.code) == (503, code)
    assert failure.headers == {"Retry-After": "1"}


def test_who_failed_is_named_although_others_could_not_be_asked() -> None:
    story = AttemptStory([error(ProviderTimeout)], [AttemptSkipped("its route rests")])

    with pytest.raises(ProviderTimeout):
        story.run()

    assert story.attempts.current.model.id == "a"


def test_an_empty_answer_moves_on() -> None:
    story = AttemptStory([TICK], [WORD])

    assert story.run() == [TICK, WORD]
    assert story.outcomes[0] == ("a", "not_understood")


def test_a_caller_that_left_asks_nobody_else() -> None:
    story = AttemptStory([error()], [WORD])
    story.cancel_token.cancel()

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]


def test_when_the_time_is_over_nobody_else_is_asked() -> None:
    story = AttemptStory([error()], [WORD], total_timeout_s=0)

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]
    assert story.attempts.skipped[0].provider == "b"


def test_a_request_goes_where_a_slot_is_free_and_comes_back_if_that_fails() -> None:
    elsewhere = SlotElsewhere("c")
    story = AttemptStory([elsewhere, WORD], [WORD], [error()])
    assert story.attempts.queue.others == ()

    assert story.run() == [WORD]

    assert story.asked == ["a", "c", "b"]
    assert story.outcomes == [("c", "unavailable"), ("b", "answered")]
    assert [skip.provider for skip in story.attempts.skipped] == ["a"]

    story = AttemptStory([SlotElsewhere("b"), WORD], [AttemptSkipped("it rests")])
    assert story.run() == [WORD]
    assert story.asked == ["a", "b", "a"]
    assert story.attempts.current.model.id == "a"


def test_only_other_providers_that_have_not_failed_are_instead_of_a_queue() -> None:
    story = AttemptStory([error()], [WORD], [WORD])
    others: list[tuple[str, ...]] = []
    ask = story._ask

    def asked(
        candidate: Candidate, avoid: frozenset[str], queue: QueueWait
    ) -> ProviderCall[ChatChunk]:
        others.append(queue.others)
        return ask(candidate, avoid, queue)

    story.attempts._ask = asked
    story.run()

    assert others == [("b", "c"), ("c",)]


def test_a_slot_that_never_came_is_told_as_the_provider_being_busy() -> None:
    story = AttemptStory([error(ProviderRateLimited, retry_after_s=5.0)])
    ask: Callable[..., Any] = story._ask

    def unasked(candidate: Candidate, avoid: frozenset[str], queue: QueueWait) -> Any:
        trial = ask(candidate, avoid, queue)
        trial.was_asked = False
        return trial

    story.attempts = Attempts(
        [story.attempts.current], ask=unasked, cancel_token=story.cancel_token, budget=story.budget
    )

    with pytest.raises(ProviderRateLimited):
        story.run()
    assert story.outcomes == [("a", "busy")]
