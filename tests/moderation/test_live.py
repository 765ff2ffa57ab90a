"""The rules in force: an edit is seen within a second, and the last ones outlive the database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries

from gateway.models import ModerationRule
from gateway.moderation.live import THREAD_NAME, LiveRules, RulesUnavailable
from tests.moderation.written import rule

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


class Clock:
    """A clock that the test moves."""

    time_s = 0.0

    def __call__(self) -> float:
        return self.time_s


@pytest.fixture
def clock() -> Clock:
    ModerationRule.objects.all().delete()
    return Clock()


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*arguments: Any) -> NoReturn:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(refuse):
        yield


def names(live: LiveRules) -> list[str]:
    return [each.name for each in live.current().rules]


def test_an_edit_is_seen_a_second_later(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    live = LiveRules(clock, start=lambda compile_rules: compile_rules())
    assert names(live) == ["test"]
    row = rule("огурец")
    row.save()
    with django_assert_num_queries(0):
        assert names(live) == ["test"]

    clock.time_s = 1.0
    assert names(live) == ["test", "example"]
    row.enabled = False
    row.save(update_fields=["enabled", "updated_at"])
    clock.time_s = 2.0
    assert names(live) == ["test"]
    clock.time_s = 3.0
    with django_assert_num_queries(1):
        live.current()


def test_requests_go_on_with_the_old_rules_while_new_ones_are_compiled(clock: Clock) -> None:
    waiting: list[Callable[[], None]] = []
    live = LiveRules(clock, start=waiting.append)
    live.current()
    rule("огурец").save()
    clock.time_s = 1.0
    assert names(live) == ["test"]
    clock.time_s = 2.0
    assert names(live) == ["test"]

    [compile_rules] = waiting
    compile_rules()

    assert names(live) == ["test", "example"]


def test_a_thread_of_its_own_compiles_them(clock: Clock) -> None:
    live = LiveRules(clock)
    live.current()
    rule("огурец").save()
    clock.time_s = 1.0
    live.current()

    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join()

    assert names(live) == ["test", "example"]


def test_the_last_rules_outlive_the_database(clock: Clock) -> None:
    live = LiveRules(clock)
    with database_away(), pytest.raises(RulesUnavailable):
        live.current()
    clock.time_s = 1.0
    assert names(live) == ["test"]
    clock.time_s = 2.0
    with database_away():
        assert names(live) == ["test"]


def test_a_rule_that_cannot_be_compiled_takes_no_other_with_it(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    rule("огурец").save()
    rule(pattern="а", name="broken").save()
    ModerationRule.objects.filter(name="broken").update(pattern="(")

    assert names(LiveRules(clock)) == ["test", "example"]
    assert "broken is left out" in caplog.text
