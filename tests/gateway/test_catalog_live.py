"""The snapshot of a process: it sees an edit within a second and outlives the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Price
from gateway.catalog import snapshot
from gateway.catalog.snapshot import CatalogueUnavailable, LiveCatalogue
from gateway.models import Alias, LanguageModel, Route

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@dataclass
class Clock:
    """A clock that the test moves."""

    time_s: float = 1000.0

    def __call__(self) -> float:
        return self.time_s


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*arguments: Any) -> NoReturn:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(refuse):
        yield


def touch_model() -> None:
    row = LanguageModel.objects.get(public_id="gigachat-pro")
    row.enabled = False
    row.save()


def touch_route() -> None:
    row = Route.objects.get(model__public_id="gigachat-pro")
    row.enabled = False
    row.save()


def remove_route() -> None:
    Route.objects.get(model__public_id="gigachat-pro").delete()


def remove_price() -> None:
    Price.objects.filter(model_id="gigachat-pro").delete()


@pytest.mark.parametrize("edit", [touch_model, touch_route, remove_route, remove_price])
def test_an_edit_is_seen_by_every_process_at_its_next_look(edit: Any) -> None:
    clock = Clock()
    processes = [LiveCatalogue(clock=clock), LiveCatalogue(clock=clock)]
    assert all(process.current().resolve("gigachat-pro") for process in processes)

    edit()
    clock.time_s += 1

    assert not any(process.current().resolve("gigachat-pro") for process in processes)


def test_a_new_alias_is_seen_at_the_next_look() -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)
    assert live.current().resolve("brand-new") is None

    Alias.objects.create(
        name="brand-new", model=LanguageModel.objects.get(public_id="gigachat-pro")
    )
    clock.time_s += 1

    assert live.current().resolve("brand-new") is not None


def test_an_edit_with_an_older_stamp_is_seen_too() -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)
    live.current()

    LanguageModel.objects.filter(public_id="gigachat-pro").update(
        enabled=False, updated_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    clock.time_s += 1

    assert live.current().resolve("gigachat-pro") is None


def test_between_two_looks_nothing_is_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)
    live.current()

    clock.time_s += 0.9
    with django_assert_num_queries(0):
        live.current()


def test_a_look_that_finds_no_edit_keeps_the_snapshot(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)
    snapshot = live.current()

    clock.time_s += 1
    with django_assert_num_queries(3):
        assert live.current() is snapshot


def test_a_future_price_takes_force_at_its_time() -> None:
    start = timezone.now()
    clock = Clock()
    live = LiveCatalogue(clock=clock, now=lambda: start + timedelta(seconds=clock.time_s - 1000))
    Price.objects.create(
        model_id="gigachat-pro",
        valid_from=start + timedelta(seconds=60),
        prompt_nano=700_000,
        completion_nano=800_000,
        cached_nano=0,
    )

    def prompt_nano() -> int:
        model = live.current().resolve("gigachat-pro")
        assert model is not None
        assert model.price is not None
        return model.price.prompt_nano

    assert prompt_nano() == 500_000
    clock.time_s += 59
    assert prompt_nano() == 500_000
    clock.time_s += 1
    assert prompt_nano() == 700_000


def test_the_old_snapshot_outlives_the_database() -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)
    snapshot = live.current()
    touch_model()

    clock.time_s += 5
    with database_away():
        assert live.current() is snapshot
    assert live.current() is snapshot

    clock.time_s += 1
    assert live.current().resolve("gigachat-pro") is None


def test_without_any_snapshot_the_catalogue_is_unavailable_until_the_database_returns() -> None:
    clock = Clock()
    live = LiveCatalogue(clock=clock)

    with database_away(), pytest.raises(CatalogueUnavailable):
        live.current()
    with pytest.raises(CatalogueUnavailable):
        live.current()

    clock.time_s += 1
    assert live.current().resolve("gigachat-pro") is not None


def test_while_one_thread_looks_the_others_use_the_old_snapshot() -> None:
    clock, looking, go_on = Clock(), threading.Event(), threading.Event()
    slow_since_s = clock.time_s + 1

    def now() -> datetime:
        if clock.time_s >= slow_since_s:
            looking.set()
            go_on.wait(10)
            raise OperationalError("the database hung up")
        return timezone.now()

    live = LiveCatalogue(clock=clock, now=now)
    snapshot = live.current()
    clock.time_s += 1
    slow = threading.Thread(target=live.current)
    slow.start()
    try:
        assert looking.wait(10)
        assert live.current() is snapshot
    finally:
        go_on.set()
        slow.join(10)
    assert not slow.is_alive()


def test_forgetting_makes_the_next_reader_look_at_once() -> None:
    snapshot.reset()
    assert snapshot.current().resolve("gigachat-pro") is not None
    touch_model()

    snapshot.reset()

    assert snapshot.current().resolve("gigachat-pro") is None
    snapshot.reset()
