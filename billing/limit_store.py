"""What a store of limits is asked and what it answers, wherever the stamps lie."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

LimitSource = Literal["account_minute", "account_day", "account_second", "key", "concurrency"]

# An account's log serves the minute of the free tier and the second of the paid one, whatever the
# order in which the two come, as long as it keeps this many stamps and keeps them a minute.
KEPT_STAMPS = 500
ACCOUNT_LOG_S = 60
KEY_LOG_S = 86_400

# Nobody knows when a running request will end.
CONCURRENCY_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """A limit of `requests` in any rolling `window_s`, judged from the log of stamps named `log`.

    A window `in_database` has its last word there; what a store knows of it only spares statements.
    """

    source: LimitSource
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
            return replace(self, in_database=True)
        return replace(self, processes=processes)


@dataclass(frozen=True, slots=True)
class Demand:
    """One request and every limit that it has to pass at once."""

    account_id: int
    lease_id: str
    account: Window
    key: Window | None
    day_requests: int | None
    concurrency: int

    @property
    def windows(self) -> tuple[Window, ...]:
        return (self.account,) if self.key is None else (self.account, self.key)

    def share(self, processes: int) -> Self:
        """Return the part of these limits that belongs to one of so many processes."""
        return replace(
            self,
            account=self.account.share(processes),
            key=self.key and self.key.share(processes),
            concurrency=max(1, self.concurrency // processes),
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """A request that was admitted and counted at `stamp_us` of the store's clock.

    `used` requests lie in the account's window, this one among them. `now_us` is the Unix time,
    None where the store's clock does not tell it.
    """

    used: int
    stamp_us: int
    now_us: int | None


class Refusal(Exception):
    """A request that one more limit refuses, and that therefore counts nowhere.

    `wait_s` is how long until it would pass, `reset_s` how long until the limit is whole again.
    """

    def __init__(self, source: LimitSource, wait_s: float, reset_s: float) -> None:
        super().__init__(source)
        self.source = source
        self.wait_s = wait_s
        self.reset_s = reset_s


class StoreAway(Exception):
    """The store does not answer, or not in time."""


class LimitStore(Protocol):
    """Decides over all limits of a demand in one step."""

    def admit(self, demand: Demand) -> Grant:
        """Count the request everywhere and take its lease. Raises: Refusal, StoreAway."""

    def withdraw(self, demand: Demand, grant: Grant) -> None:
        """Take back what `admit` counted and leased."""

    def close_day(self, account_id: int, requests: int, until_midnight_s: float) -> None:
        """Remember until midnight how far the day has come, to refuse without the database."""
