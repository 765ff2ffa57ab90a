"""Watches what requests do, beside them: a request only appends a note, a background thread judges.

Notes wait in a bounded buffer, of which the oldest are lost first. Where nothing empties it, no request
goes otherwise than before.
"""

import functools
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from accounts.client_address import Address
from accounts.errors import TooManyRefusedCredentials
from accounts.networks import network_of
from accounts.principal import Principal
from accounts.security import events, sign_ups
from accounts.security.models import Signal
from accounts.security.sharing import Alone, Seen, Sharing, ThroughRedis
from accounts.security.tallies import (
    KEYS_MAX,
    SUBJECTS_MAX,
    Evidence,
    NetworksTally,
    RefusedTally,
    RequestsTally,
    Subjects,
)
from infra.background import Background

EVERY_S = 2.0
NOTES_MAX = 20_000
NOTES_AT_ONCE = 500
SHARED_AGAIN_S = 60.0
"""A key that goes on in the same networks is shared no more often."""
BLOCKED_S = 600

Kind = Literal["used", "refused", "ended", "left", "moderated", "signed_up"]

logger = logging.getLogger(__name__)


class RaiseEvent(Protocol):
    """Records an event unless it is known; see `events.raise_event`."""

    def __call__(
        self,
        signal: Signal,
        *,
        evidence: Evidence,
        account_id: int | None = None,
        key_id: int | None = None,
        network: str = "",
    ) -> object: ...


class Watch:
    """The notes and tallies of one process, and the networks whose refused credentials are refused unread."""

    def __init__(
        self,
        sharing: Sharing,
        *,
        raise_event: RaiseEvent = events.raise_event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sharing = sharing
        self._raise_event = raise_event
        self._clock = clock
        self._notes: deque[tuple[Kind, Any, Any]] = deque(maxlen=NOTES_MAX)
        self.note = self._notes.append
        self._keys = Subjects(NetworksTally, KEYS_MAX)
        self._unshared_since_s: dict[int, float] = {}
        self._refused = Subjects(RefusedTally)
        self._accounts = Subjects(RequestsTally)
        self._watched: Iterable[str] = ()
        self._blocked_until_s: dict[str, float] = {}
        self._raised: set[tuple[Signal, str]] = set()
        self._thread = Background("signals", self._run, every_s=EVERY_S)

    def start(self) -> None:
        """Judge every EVERY_S from now on."""
        self._thread.ensure_running()

    def stop(self) -> None:
        """Stop judging; what is blocked stays blocked until its time."""
        self._thread.stop()

    def refuse(self, address: Address | None) -> None:
        """Note a refused credential. Raises TooManyRefusedCredentials while its network is blocked."""
        network = network_of(address)
        left_s = self._blocked_until_s.get(network, 0) - self._clock()
        if left_s > 0:
            raise TooManyRefusedCredentials(math.ceil(left_s))
        if network:
            self.note(("refused", network, None))

    def look(self) -> None:
        """Take the notes in, share the tallies of what they are about, and raise what is a sign."""
        now_s = self._clock()
        keys, networks, accounts, newcomers = self._take_notes(now_s)
        keys |= self._long_unshared(now_s)
        doubtful = {_of_account(each) for each in accounts if self._accounts[each].is_doubtful}
        mine: dict[str, Any] = {f"key:{each}": self._keys[each].shared(now_s) for each in keys}
        mine |= {f"network:{each}": self._refused[each].shared(now_s) for each in networks}
        for subject in doubtful.union(self._watched):
            tally = self._accounts.get(int(subject.partition(":")[2]))
            if tally is not None:
                mine[subject] = tally.shared(now_s)
        seen = self._sharing.exchange(mine, doubtful=doubtful, now_s=now_s)
        self._watched, self._blocked_until_s = list(seen.watched), dict(seen.blocked)
        self._judge(seen, now_s)
        for network in newcomers:
            self._judge_sign_ups(network)

    def _take_notes(self, now_s: float) -> tuple[set[int], set[str], set[int], set[str]]:
        """Count the notes; return keys to be shared, and the networks, accounts and newcomers of notes."""
        keys: set[int] = set()
        networks: set[str] = set()
        accounts: set[int] = set()
        newcomers: set[str] = set()
        for number in range(len(self._notes)):
            if number % NOTES_AT_ONCE == NOTES_AT_ONCE - 1:
                time.sleep(0)  # requests go on
            kind, subject, detail = self._notes.popleft()
            if kind == "used":
                if network := _known_network(detail):
                    if self._keys.touched(subject).note(network, now_s):
                        keys.add(subject)
                    else:
                        self._unshared_since_s.setdefault(subject, now_s)
            elif kind == "refused":
                self._refused.touched(subject).note(now_s)
                networks.add(subject)
            elif kind == "signed_up":
                newcomers.add(subject)
            else:
                self._accounts.touched(subject).note(
                    now_s, is_refused=kind == "moderated", is_left=kind == "left"
                )
                accounts.add(subject)
        # Of very many, some are forgotten before they are looked at.
        return (
            keys & self._keys.keys(),
            networks & self._refused.keys(),
            accounts & self._accounts.keys(),
            newcomers,
        )

    def _long_unshared(self, now_s: float) -> set[int]:
        due_s = now_s - SHARED_AGAIN_S
        due = {key for key, since_s in self._unshared_since_s.items() if since_s <= due_s}
        for key in due:
            del self._unshared_since_s[key]
        return due & self._keys.keys()

    def _judge(self, seen: Seen, now_s: float) -> None:
        for subject, tallies in seen.tallies.items():
            kind, _, name = subject.partition(":")
            if kind == "key":
                evidence = NetworksTally.judge(tallies, now_s)
                self._raise(Signal.MANY_NETWORKS, subject, evidence, key_id=int(name))
            elif kind == "network":
                evidence = RefusedTally.judge(tallies, now_s)
                if evidence is not None:
                    self._sharing.block(name, now_s + BLOCKED_S)
                    self._blocked_until_s[name] = now_s + BLOCKED_S
                    # Blocked, it gives no notes: its next evidence is of when that is over.
                    self._raised.discard((Signal.REFUSED_CREDENTIALS, subject))
                self._raise(Signal.REFUSED_CREDENTIALS, subject, evidence, network=name)
            elif seen.watched.get(subject, now_s) + self._sharing.settled_s <= now_s:
                for signal, judge in (
                    (Signal.MODERATION_REFUSALS, RequestsTally.judge_refused),
                    (Signal.ABANDONED_REQUESTS, RequestsTally.judge_left),
                ):
                    self._raise(signal, subject, judge(tallies, now_s), account_id=int(name))

    def _judge_sign_ups(self, network: str) -> None:
        try:
            evidence = sign_ups.judge(network)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The sign-ups of a network could not be counted: %s", error)
            return
        self._raise(Signal.MANY_SIGN_UPS, network, evidence, network=network)

    def _raise(self, signal: Signal, subject: str, evidence: Evidence | None, **about: Any) -> None:
        """Raise an event once for as long as the evidence holds; again after it has not."""
        name = signal, subject
        if evidence is None:
            self._raised.discard(name)
        elif name not in self._raised:
            try:
                self._raise_event(signal, evidence=evidence, **about)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("An event %s could not be recorded: %s", signal, error)
                return
            if len(self._raised) >= SUBJECTS_MAX:
                self._raised.clear()
            self._raised.add(name)

    def _run(self) -> None:
        try:
            self.look()
        finally:
            connection.close()


def start() -> None:
    """Judge from now on what requests of this process do."""
    current().start()


def used(principal: Principal, address: Address | None) -> None:
    """Note that a credential was used."""
    if principal.credential_kind == "key":
        current().note(("used", principal.credential_id, address))


def refuse(address: Address | None) -> None:
    """Note a refused credential. Raises TooManyRefusedCredentials while its network is blocked."""
    current().refuse(address)


def ended(account_id: int, *, is_left: bool) -> None:
    """Note a request's end; `is_left`: its client had left before the first delta."""
    current().note(("left" if is_left else "ended", account_id, None))


def moderated(account_id: int) -> None:
    """Note a request that moderation refused."""
    current().note(("moderated", account_id, None))


def signed_up(network: str) -> None:
    """Note a new account."""
    if network:
        current().note(("signed_up", network, None))


def current() -> Watch:
    """Return the watch of this process."""
    return _watch_with(settings.REDIS_URL)


@functools.lru_cache(maxsize=4)
def _watch_with(redis_url: str) -> Watch:
    return Watch(ThroughRedis(redis_url) if redis_url else Alone())


def _of_account(account_id: int) -> str:
    return f"account:{account_id}"


_known_network = functools.lru_cache(maxsize=SUBJECTS_MAX)(network_of)
