"""What each end of an answer tells of its provider: U1 to U16 of the faults, as a breaker takes them."""

from collections.abc import Generator, Sequence

import pytest

from gateway.health.events import Kind, Note
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.observation import AttemptWatch, kind_of, observed
from gateway.providers import errors
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message, Usage
from gateway.providers.tick import TICK, Tick

Step = Tick | ChatChunk | Exception

WORD = ChatChunk(text="слово ")
END = ChatChunk(finish_reason="stop", usage=Usage(5, 12))
ASKED = ChatRequest((Message("user", "?"),), stream=True, max_tokens=20)


_told: list[Note] = []


@pytest.fixture
def notes() -> list[Note]:
    """Return what is told of the answers of this test."""
    _told.clear()
    return _told


def _chunks(steps: Sequence[Step]) -> Generator[Tick | ChatChunk, None, None]:
    for step in steps:
        if isinstance(step, Exception):
            raise step
        yield step


def _watch() -> AttemptWatch:
    probes = (("r/gigachat/GigaChat-2", "token"),)
    return AttemptWatch("gigachat", "one", "GigaChat-2", _told.append, probes)


def _answer(
    *steps: Step, request: ChatRequest = ASKED, cancel_token: CallerCancelToken | None = None
) -> Generator[Tick | ChatChunk, None, None]:
    cancel_token = cancel_token or CallerCancelToken(total_timeout_s=60)
    return observed(_chunks(steps), _watch(), request, cancel_token)


def _error(kind: type[errors.ProviderError], **details: int) -> errors.ProviderError:
    return kind("it failed", provider="gigachat", **details)  # type: ignore[arg-type]


KINDS: list[tuple[errors.ProviderError, Kind]] = [
    (_error(errors.ProviderUnavailable), "failed"),
    (_error(errors.ProviderUnavailable, status=503), "failed"),
    (_error(errors.ProviderUnavailable, status=404), "missing"),
    (_error(errors.ProviderProtocolError), "failed"),
    (_error(errors.ProviderTimeout), "failed"),
    (_error(errors.ProviderAuthError, status=402), "refused"),
    (_error(errors.ModelUnpaid, status=402), "unpaid"),
    (_error(errors.ProviderRateLimited), "busy"),
    (_error(errors.ProviderRejected), "rejected"),
]


@pytest.mark.parametrize(("error", "kind"), KINDS, ids=lambda item: getattr(item, "message", item))
def test_each_failure_has_its_kind_whenever_it_comes(
    notes: list[Note], error: errors.ProviderError, kind: Kind
) -> None:
    assert kind_of(error) == kind
    for steps in ([error], [TICK, error], [WORD, error]):
        notes.clear()
        with pytest.raises(errors.ProviderError):
            list(_answer(*steps))
        assert notes[-1].kind == kind


def test_a_good_answer_is_timed_and_its_tokens_counted(notes: list[Note]) -> None:
    assert list(_answer(TICK, WORD, WORD, END)) == [TICK, WORD, WORD, END]

    begun, ended = notes
    assert (begun.kind, ended.kind) == ("answered", "finished")
    assert (len(begun.probes), ended.probes) == (1, ())
    assert ended.first_ms is not None
    assert (ended.tokens, ended.is_streamed) == (12, True)


def test_a_filtered_answer_is_a_good_one(notes: list[Note]) -> None:
    list(_answer(ChatChunk(text="нет", finish_reason="content_filter")))

    assert notes[-1].kind == "finished"


def test_an_answer_that_begins_and_never_comes_is_a_failure(notes: list[Note]) -> None:
    list(_answer(TICK, TICK))

    assert [note.kind for note in notes] == ["failed"]


def test_a_caller_that_leaves_says_nothing_of_the_provider(notes: list[Note]) -> None:
    before = _answer(TICK, WORD)
    next(before)
    before.close()
    assert [note.kind for note in notes] == ["abandoned"]

    notes.clear()
    cancel_token = CallerCancelToken(total_timeout_s=60)
    cancel_token.cancel()
    with pytest.raises(errors.ProviderUnavailable):
        list(_answer(_error(errors.ProviderUnavailable), cancel_token=cancel_token))
    assert [note.kind for note in notes] == ["abandoned"]


def test_a_caller_that_leaves_in_the_middle_has_seen_it_answer(notes: list[Note]) -> None:
    running = _answer(WORD, WORD, END)
    next(running)
    running.close()

    assert [note.kind for note in notes] == ["answered", "finished"]
    assert notes[-1].tokens == 0


@pytest.mark.parametrize(
    "steps",
    [
        [WORD] * 400,
        [ChatChunk(text="ы" * 2000)],
        [WORD, ChatChunk(usage=Usage(5, 60), finish_reason="stop")],
    ],
    ids=["chunks", "characters", "tokens"],
)
def test_an_answer_far_longer_than_asked_is_a_failure(
    notes: list[Note], steps: list[ChatChunk]
) -> None:
    running = _answer(*steps)
    for _ in steps:
        next(running)
    running.close()

    assert notes[-1].kind == "failed"


def test_a_token_or_two_more_than_asked_are_forgiven(notes: list[Note]) -> None:
    list(_answer(WORD, ChatChunk(finish_reason="length", usage=Usage(5, 22))))

    assert notes[-1].kind == "finished"


@pytest.mark.parametrize(
    ("told_s", "kept_ms"), [(None, 5000), (0, 1000), (7, 7000), (9999, 60_000)]
)
def test_how_long_a_provider_wants_to_be_spared_is_kept_within_reason(
    notes: list[Note], told_s: float | None, kept_ms: int
) -> None:
    busy = errors.ProviderRateLimited("full", provider="gigachat", retry_after_s=told_s)
    with pytest.raises(errors.ProviderRateLimited):
        list(_answer(busy))

    assert notes[-1].retry_after_ms == kept_ms


def test_nobody_watches_what_has_no_watch(notes: list[Note]) -> None:
    chunks = _chunks([WORD, END])

    assert list(observed(chunks, None, ASKED, CallerCancelToken(total_timeout_s=1))) == [WORD, END]
    assert notes == []
