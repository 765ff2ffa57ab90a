"""Each account's credentials epoch: a number that grows with every change to what its keys may do.

The database has the truth. Redis, where there is one, spares it most of the asking: a value lives
there for half a second at most, so that one which nobody could take back misleads for no longer.
"""

import contextlib
import functools
import logging
import time
from collections.abc import Callable

from django.conf import settings

from accounts.models import Account
from accounts.shared_redis import RedisAway, SharedRedis

REDIS_VALUE_LIFE_MS = 500

# An epoch only grows: a late writer of an old one must not undo a newer.
_RAISE = """
local known = redis.call('GET', KEYS[1])
if not known or tonumber(known) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
"""

_log = logging.getLogger(__name__)


class RedisEpochs:
    """The epochs that Redis remembers."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = SharedRedis(url, without="epochs are read from the database", clock=clock)

    def get(self, account_id: int) -> int | None:
        """Return the epoch, or None where Redis knows none. Raises RedisAway."""
        with self._redis.reached():
            value = self._redis.client.get(_name(account_id))
            return int(value) if isinstance(value, bytes) else None

    def put(self, account_id: int, epoch: int) -> None:
        """Raise what Redis knows to `epoch`. Raises RedisAway."""
        with self._redis.reached():
            self._redis.client.eval(
                _RAISE, 1, _name(account_id), str(epoch), str(REDIS_VALUE_LIFE_MS)
            )


def current(account_id: int) -> int:
    """Return the account's epoch, at most half a second old; -1 where there is no such account."""
    if not settings.REDIS_URL:
        return stored(account_id)
    redis_epochs = _redis_epochs(settings.REDIS_URL)
    with contextlib.suppress(RedisAway):
        known = redis_epochs.get(account_id)
        if known is not None:
            return known
    epoch = stored(account_id)
    with contextlib.suppress(RedisAway):
        redis_epochs.put(account_id, epoch)
    return epoch


def publish(account_id: int, epoch: int) -> None:
    """Tell the other processes of a committed epoch; without Redis they find it by themselves."""
    if settings.REDIS_URL:
        try:
            _redis_epochs(settings.REDIS_URL).put(account_id, epoch)
        except RedisAway:
            _log.warning("The new epoch of account %d could not be published.", account_id)


def stored(account_id: int) -> int:
    """Return the epoch in the database; -1 where there is no such account."""
    rows = Account.objects.filter(pk=account_id).values_list("credentials_epoch", flat=True)
    return next(iter(rows), -1)


@functools.lru_cache(maxsize=4)
def _redis_epochs(url: str) -> RedisEpochs:
    return RedisEpochs(url)


def _name(account_id: int) -> str:
    return f"epoch:{account_id}"
