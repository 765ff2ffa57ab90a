"""The rules that are in force, compiled: at most two seconds behind the database in every process."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.models import ModerationRule
from gateway.moderation.categories import TEST
from gateway.moderation.rules import BadRule, SearchRule
from gateway.moderation.search import Search
from infra.live_copy import LiveCopy

THREAD_NAME = "moderation rules"
TEST_RULE = SearchRule(
    name="test", category=TEST, phrases=((("xrouter",), ("moderation",), ("test",)),)
)
"""It is always in force, so that anyone can try a refusal."""

_log = logging.getLogger(__name__)
_Revision = frozenset[tuple[int, datetime]]


class RulesUnavailable(Exception):
    """The database has not answered since this process started."""


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name=THREAD_NAME, daemon=True).start()


class LiveRules(LiveCopy[Search]):
    """The compiled search of a process.

    New rules are compiled apart, by `start`, while requests use the old ones.
    """

    name = "The moderation rules"
    unavailable = RulesUnavailable

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = _in_a_thread,
    ) -> None:
        super().__init__(clock)
        self._start = start
        self._revision: _Revision | None = None
        self._is_compiling = False

    def reset(self) -> None:
        """Have the next call of `current` read and compile the rules."""
        super().reset()
        self._value = self._revision = None
        self._is_compiling = False

    def _look(self) -> None:
        revision = _read_revision()
        if revision == self._revision or self._is_compiling:
            return
        rules = _read_rules()
        if self._value is None:
            self._compile(rules, revision)
        else:
            self._is_compiling = True
            self._start(lambda: self._compile(rules, revision))

    def _compile(self, rules: Sequence[SearchRule], revision: _Revision) -> None:
        try:
            self._value = Search([TEST_RULE, *rules], self._value)
            self._revision = revision
        finally:
            self._is_compiling = False


_live = LiveRules()


def current() -> Search:
    """Return this process's compiled rules. Raises RulesUnavailable."""
    return _live.current()


def reset() -> None:
    """Have the next call of `current` read and compile the rules."""
    _live.reset()


def is_moderated() -> bool:
    """Say whether requests are refused for anything but the phrase that lets anyone try it."""
    return any(rule.action == "block" and rule is not TEST_RULE for rule in current().rules)


def _read_revision() -> _Revision:
    """Return what changes with every edit: a transaction that commits late may have an earlier time."""
    return frozenset(ModerationRule.objects.order_by().values_list("pk", "updated_at"))


def _read_rules() -> list[SearchRule]:
    rules = []
    for row in ModerationRule.objects.filter(enabled=True):
        try:
            rules.append(row.as_rule())
        except BadRule as error:
            _log.error("The moderation rule %s is left out: %s", row.name, error)
    return rules
