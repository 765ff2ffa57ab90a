"""Counts of what was observed of each subject, and when they are a sign. Pure; times are Unix seconds.

Each process counts what it sees. A tally is shared as plain JSON, and those of all processes are merged
before anything is judged.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

REFUSED_MOST = 30
REFUSED_WINDOW_S = 60
NETWORKS_MOST = 5
NETWORKS_WINDOW_S = 600
LAST_REQUESTS = 20
LAST_REQUESTS_WINDOW_S = 3600
LEFT_LEAST = 20
LEFT_WINDOW_S = 600
LEFT_BUCKET_S = 10
SUBJECTS_MAX = 20_000
KEYS_MAX = 100_000

Evidence = dict[str, Any]
T = TypeVar("T")


class Subjects(OrderedDict[Any, T], Generic[T]):
    """Tallies by subject; of more than `most`, that which was touched longest ago is forgotten."""

    def __init__(self, new: type[T], most: int = SUBJECTS_MAX) -> None:
        super().__init__()
        self._new = new
        self._most = most

    def touched(self, subject: Any) -> T:
        tally = self.get(subject)
        if tally is None:
            tally = self[subject] = self._new()
            if len(self) > self._most:
                self.popitem(last=False)
        else:
            self.move_to_end(subject)
        return tally


class RefusedTally:
    """Refused credentials of a network, by the second."""

    __slots__ = ("_by_second",)

    def __init__(self) -> None:
        self._by_second: Counter[int] = Counter()

    def note(self, at_s: float) -> None:
        self._by_second[int(at_s)] += 1

    def shared(self, now_s: float) -> Any:
        """Return it as JSON, without what is over."""
        for second in [each for each in self._by_second if each <= now_s - REFUSED_WINDOW_S]:
            del self._by_second[second]
        return list(self._by_second.items())

    @staticmethod
    def judge(tallies: Iterable[Any], now_s: float) -> Evidence | None:
        """Return the evidence where together they are a sign."""
        since_s = now_s - REFUSED_WINDOW_S
        refused = sum(count for tally in tallies for second, count in tally if second > since_s)
        return {"refused": refused} if refused >= REFUSED_MOST else None


class NetworksTally:
    """The networks that a key was used from, and when last."""

    __slots__ = ("last_seen_s",)

    def __init__(self) -> None:
        self.last_seen_s: dict[str, float] = {}

    def note(self, network: str, at_s: float) -> bool:
        """Say whether the network is new within the window."""
        is_new = self.last_seen_s.get(network, 0) <= at_s - NETWORKS_WINDOW_S
        self.last_seen_s[network] = at_s
        return is_new

    def shared(self, now_s: float) -> Any:
        since_s = now_s - NETWORKS_WINDOW_S
        self.last_seen_s = {
            network: at_s for network, at_s in self.last_seen_s.items() if at_s > since_s
        }
        return self.last_seen_s

    @staticmethod
    def judge(tallies: Iterable[Any], now_s: float) -> Evidence | None:
        since_s = now_s - NETWORKS_WINDOW_S
        networks = {
            network for tally in tallies for network, at_s in tally.items() if at_s > since_s
        }
        return {"networks": sorted(networks)} if len(networks) > NETWORKS_MOST else None


class RequestsTally:
    """An account's requests: its last ones with moderation's verdict, and how many left in ten minutes."""

    __slots__ = ("_buckets", "_last")

    def __init__(self) -> None:
        self._last: list[tuple[float, bool]] = []
        self._buckets: dict[int, list[int]] = {}

    def note(self, at_s: float, *, is_refused: bool = False, is_left: bool = False) -> None:
        self._last.append((at_s, is_refused))
        del self._last[:-LAST_REQUESTS]
        bucket = self._buckets.setdefault(int(at_s // LEFT_BUCKET_S), [0, 0])
        bucket[0] += 1
        bucket[1] += is_left

    @property
    def is_doubtful(self) -> bool:
        """Say whether it bears anything that may become a sign, with what others have seen."""
        return any(refused for _, refused in self._last) or (
            sum(left for _, left in self._buckets.values()) > 1
        )

    def shared(self, now_s: float) -> Any:
        since = (now_s - LEFT_WINDOW_S) // LEFT_BUCKET_S
        self._buckets = {each: counts for each, counts in self._buckets.items() if each > since}
        self._last = [each for each in self._last if each[0] > now_s - LAST_REQUESTS_WINDOW_S]
        return {
            "last": self._last,
            "buckets": [[bucket, *counts] for bucket, counts in self._buckets.items()],
        }

    @staticmethod
    def judge_refused(tallies: Iterable[Any], now_s: float) -> Evidence | None:
        """Return the evidence where more than half of the last requests were refused by moderation."""
        since_s = now_s - LAST_REQUESTS_WINDOW_S
        last = sorted(tuple(each) for tally in tallies for each in tally["last"])[-LAST_REQUESTS:]
        refused = sum(is_refused for at_s, is_refused in last if at_s > since_s)
        if refused * 2 <= LAST_REQUESTS:
            return None
        return {"refused": refused, "requests": len(last)}

    @staticmethod
    def judge_left(tallies: Iterable[Any], now_s: float) -> Evidence | None:
        """Return the evidence where enough requests, and more than half, left before their first delta."""
        since = (now_s - LEFT_WINDOW_S) // LEFT_BUCKET_S
        buckets = [each for tally in tallies for each in tally["buckets"] if each[0] > since]
        requests, left = (sum(each[column] for each in buckets) for column in (1, 2))
        if left < LEFT_LEAST or left * 2 <= requests:
            return None
        return {"left": left, "requests": requests}
