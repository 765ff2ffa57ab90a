"""How processes see each other's tallies: through Redis, or, where there is one process, not at all."""

import json
import os
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.redis import RedisAway, SharedRedis

KEPT_S = 3700
"""How long a tally is kept that nobody adds to; a little longer than the longest window."""
SETTLED_S = 5.0
"""How long a subject must be watched before it is judged: by then all processes have shared its tally."""
PREFIX = "xr:signals"


@dataclass(frozen=True, slots=True)
class Seen:
    """What all processes know: tallies by subject, the watched since when, the blocked until when."""

    tallies: Mapping[str, list[Any]]
    watched: Mapping[str, float] = field(default_factory=dict)
    blocked: Mapping[str, float] = field(default_factory=dict)


class Sharing(Protocol):
    """`settled_s` is how long others may need to share what they know of a watched subject."""

    settled_s: float

    def exchange(self, mine: Mapping[str, Any], *, doubtful: Collection[str], now_s: float) -> Seen:
        """Share tallies by subject, have the `doubtful` watched; return all processes' tallies of both."""

    def block(self, network: str, until_s: float) -> None:
        """Make a block known to all processes."""


class Alone:
    """One process: what it has seen is all there is."""

    settled_s = 0.0

    def __init__(self) -> None:
        self._blocked: dict[str, float] = {}

    def exchange(self, mine: Mapping[str, Any], *, doubtful: Collection[str], now_s: float) -> Seen:
        self._blocked = {name: at_s for name, at_s in self._blocked.items() if at_s > now_s}
        return Seen(
            {subject: [tally] for subject, tally in mine.items()},
            dict.fromkeys(doubtful, 0.0),
            self._blocked,
        )

    def block(self, network: str, until_s: float) -> None:
        self._blocked[network] = until_s


class ThroughRedis:
    """All processes together; while Redis is away, each alone."""

    def __init__(self, url: str) -> None:
        self.settled_s = SETTLED_S
        self._redis = SharedRedis(url)
        self._alone = Alone()
        self._process = ""
        self._forked_as = 0

    def exchange(self, mine: Mapping[str, Any], *, doubtful: Collection[str], now_s: float) -> Seen:
        alone = self._alone.exchange(mine, doubtful=doubtful, now_s=now_s)
        try:
            return self._exchange(mine, doubtful, now_s)
        except RedisAway:
            return alone

    def block(self, network: str, until_s: float) -> None:
        self._alone.block(network, until_s)
        try:
            with self._redis.reached():
                self._redis.client.zadd(f"{PREFIX}:blocked", {network: until_s})
        except RedisAway:
            return

    def _exchange(self, mine: Mapping[str, Any], doubtful: Collection[str], now_s: float) -> Seen:
        watched, blocked = f"{PREFIX}:watched", f"{PREFIX}:blocked"
        with self._redis.reached():
            pipeline = self._redis.client.pipeline(transaction=False)
            for subject, tally in mine.items():
                name = f"{PREFIX}:{subject}"
                pipeline.hset(name, self._name(), json.dumps(tally))
                pipeline.expire(name, KEPT_S)
                pipeline.hvals(name)
            pipeline.zremrangebyscore(watched, "-inf", now_s - KEPT_S)
            if doubtful:
                pipeline.zadd(watched, dict.fromkeys(doubtful, now_s), nx=True)
            pipeline.zremrangebyscore(blocked, "-inf", now_s)
            pipeline.zrange(watched, 0, -1, withscores=True)
            pipeline.zrange(blocked, 0, -1, withscores=True)
            *answers, since, until = pipeline.execute()
        return Seen(
            {
                subject: [json.loads(text) for text in answers[3 * number + 2]]
                for number, subject in enumerate(mine)
            },
            {name.decode(): at_s for name, at_s in since},
            {name.decode(): at_s for name, at_s in until},
        )

    def _name(self) -> str:
        """Return the name of this process, of a fork one of its own."""
        if self._forked_as != os.getpid():
            self._forked_as, self._process = os.getpid(), uuid.uuid4().hex
        return self._process
