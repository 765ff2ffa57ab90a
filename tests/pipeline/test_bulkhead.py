"""One provider takes half of a worker at most, so that the other half is the others'."""

import contextlib

import pytest

from gateway.pipeline.execution.provider_call import Bulkhead, BulkheadFull

pytestmark = pytest.mark.django_db


def test_a_provider_takes_half_of_the_places_and_leaves_the_others_theirs() -> None:
    bulkhead = Bulkhead(10)
    with contextlib.ExitStack() as taken:
        for _ in range(5):
            taken.enter_context(bulkhead.place("gigachat", is_test=False))

        with pytest.raises(BulkheadFull), bulkhead.place("gigachat", is_test=False):
            pass
        for _ in range(5):
            taken.enter_context(bulkhead.place("yandexgpt", is_test=False))

    with bulkhead.place("gigachat", is_test=False):
        pass


def test_test_keys_crowd_only_each_other() -> None:
    bulkhead = Bulkhead(4)
    with contextlib.ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(bulkhead.place("gigachat", is_test=True))

        with pytest.raises(BulkheadFull), bulkhead.place("gigachat", is_test=True):
            pass
        taken.enter_context(bulkhead.place("gigachat", is_test=False))


def test_a_provider_that_is_alone_may_have_them_all(settings: pytest.FixtureRequest) -> None:
    settings.GIGACHAT_CREDENTIALS = "Y2FubmVkOmNhbm5lZA=="  # type: ignore[attr-defined]
    bulkhead = Bulkhead(4)
    with contextlib.ExitStack() as taken:
        for _ in range(9):
            taken.enter_context(bulkhead.place("gigachat", is_test=False))
