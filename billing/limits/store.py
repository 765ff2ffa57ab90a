"""The interface of a limit store: what it is asked, and what it answers."""

from typing import Literal, NamedTuple, Protocol, Self

LimitSource = Literal[
    "account_minute",
    "account_day",
    "account_second",
    "key",
    "concurrency",
    "plan",
    "count",
    "moderation",
    "leaked",
]
"""Whose limit it was, as callers are told."""

LimitCause = Literal[LimitSource, "key_concurrency", "key_slowed"]
"""The limit itself: a key has three, of which callers are told that it was the key's."""

# An account's log serves the minute of the free tier and the second of the paid one, whatever the
# order in which the two come, as long as it keeps this many stamps and keeps them a minute.
KEPT_STAMPS = 500
ACCOUNT_LOG_S = 60
KEY_LOG_S = 86_400

# Nobody knows when a running request will end.
CONCURRENCY_WAIT_S = 1.0


class Window(NamedTuple):
    """A limit of `requests` in any rolling `window_s`, judged from the log of stamps named `log`.

    A window `in_database` is decided there; a store's knowledge of it only saves statements.
    """

    source: LimitCause
    log: str
    requests: int
    window_s: int
    in_database: bool = False
    processes: int = 1

    @property
    def allowed(self) -> int:
        """Requests that one of the `processes` may admit without asking the others."""
        return self.requests // self.processes

    def share(self, processes: int) -> Self:
        """Divide the limit; where a process would get nothing, all ask the database instead."""
        if self.in_database:
            return self
        if self.requests < processes:
            return self._replace(in_database=True)
        return self._replace(processes=processes)


class LimitCheck(NamedTuple):
    """One request and all the limits that it must pass together.

    With `concurrency` None it takes no lease: it is over at once. `slowed` is a second window of the key.
    `key_concurrency` is how many of the requests of the key `key_id` may run at once; its lease then
    counts there too.
    """

    account_id: int
    lease_id: str
    account: Window
    key: Window | None
    day_requests: int | None
    concurrency: int | None
    slowed: Window | None = None
    key_id: int | None = None
    key_concurrency: int | None = None

    @property
    def windows(self) -> tuple[Window, ...]:
        if self.key is None and self.slowed is None:
            return (self.account,)
        return tuple(filter(None, (self.account, self.key, self.slowed)))

    @property
    def limited_key(self) -> int | None:
        """The key whose own leases the request takes part in."""
        return None if self.key_concurrency is None else self.key_id

    def share(self, processes: int) -> Self:
        """Return the part of these limits that belongs to one of so many processes.

        A key that may run fewer requests at once than there are processes is left with none.
        """
        return self._replace(
            account=self.account.share(processes),
            key=self.key and self.key.share(processes),
            slowed=self.slowed and self.slowed.share(processes),
            concurrency=self.concurrency and max(1, self.concurrency // processes),
            key_concurrency=self.key_concurrency and self.key_concurrency // processes,
        )


class Allowed(NamedTuple):
    """A request that was admitted and counted at `stamp_us` of the store's clock.

    `used` requests are in the account's window, including this one, and `key_used` in the key's own, if it has
    one. `now_us` is the Unix time, None where the store's clock is not a Unix clock.
    """

    used: int
    key_used: int
    stamp_us: int
    now_us: int | None


class LimitDenied(Exception):
    """A limit refuses the request, which is not counted.

    `wait_s` is how long until it would pass, `reset_s` how long until the limit is unused again.
    """

    def __init__(self, source: LimitCause, wait_s: float, reset_s: float) -> None:
        super().__init__(source)
        self.source = source
        self.wait_s = wait_s
        self.reset_s = reset_s


class StoreAway(Exception):
    """The store does not answer, or not in time."""


class LimitStore(Protocol):
    """Decides over all limits of a check in one step."""

    def admit(self, check: LimitCheck) -> Allowed:
        """Count the request everywhere and take its lease. Raises: LimitDenied, StoreAway."""

    def judge(self, check: LimitCheck) -> Allowed:
        """Answer as `admit` would now, and count nothing. Raises: LimitDenied, StoreAway."""

    def withdraw(self, check: LimitCheck, allowed: Allowed) -> None:
        """Undo `admit`."""

    def mark_day_exhausted(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight that the day is used up, to refuse without the database."""
