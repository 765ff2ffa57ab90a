"""The streams that run in this process, by account, so that one whose credential ends can be ended."""

import threading
import time
from collections.abc import Callable, Iterable

from accounts.errors import CredentialEnded
from accounts.principal import Principal


class RunningStream:
    """A stream that runs on a credential. `end` is called once at most, from another thread."""

    __slots__ = ("end", "expires_s", "principal")

    def __init__(self, principal: Principal, end: Callable[[Exception], None]) -> None:
        self.principal = principal
        self.end = end
        self.expires_s = principal.expires_s


class RunningStreams:
    """A registry that is visited when credentials change, and once a second for those that expire."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._streams: dict[int, set[RunningStream]] = {}

    def add(self, stream: RunningStream) -> None:
        """Register a stream until `remove`."""
        with self._lock:
            self._streams.setdefault(stream.principal.account_id, set()).add(stream)

    def remove(self, stream: RunningStream) -> None:
        """Forget a stream; a second call does nothing."""
        account_id = stream.principal.account_id
        with self._lock:
            streams = self._streams.get(account_id)
            if streams is not None:
                streams.discard(stream)
                if not streams:
                    del self._streams[account_id]

    def of_accounts(self, account_ids: Iterable[int] | None) -> list[RunningStream]:
        """Return the streams of these accounts; None: all."""
        with self._lock:
            wanted = self._streams if account_ids is None else account_ids
            return [stream for each in wanted for stream in self._streams.get(each, ())]

    def end(self, stream: RunningStream) -> None:
        """End a stream because its credential has ended."""
        self.remove(stream)
        stream.end(CredentialEnded())

    def end_expired(self) -> None:
        """End the streams whose credentials have expired."""
        now_s = self._clock()
        for stream in self.of_accounts(None):
            if stream.expires_s is not None and stream.expires_s <= now_s:
                self.end(stream)
