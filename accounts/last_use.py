"""When each credential was last used: written once a minute at most, never at a request's expense."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.db import Error
from django.db.models import Q
from django.utils import timezone

from accounts.client_address import Address
from accounts.models import APIKey, IssuedToken

INTERVAL_S = 60.0
KEYS_MAX = 20_000
NETWORK_BITS = {4: 24, 6: 48}

_log = logging.getLogger(__name__)


class LastUse:
    """The keys whose use this process has written down within the last minute."""

    table: type[APIKey] | type[IssuedToken] = APIKey

    def __init__(
        self, *, keys_max: int = KEYS_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys_max = keys_max
        self._clock = clock
        self._noted_at: OrderedDict[int, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, key_id: int, address: Address | None = None) -> None:
        """Write down that the key is in use; a store that is away is logged, no more."""
        if not self._is_due(key_id):
            return
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(seconds=INTERVAL_S))
        try:
            rows = self.table._default_manager.filter(stale, pk=key_id)
            rows.update(**self._columns(now, address))
        except Error as error:
            _log.warning("The last use of key %d could not be written: %s", key_id, error)

    def _columns(self, now: datetime, address: Address | None) -> dict[str, Any]:
        return {"last_used_at": now}

    def _is_due(self, key_id: int) -> bool:
        now = self._clock()
        with self._lock:
            noted_at = self._noted_at.get(key_id)
            if noted_at is not None and now - noted_at < INTERVAL_S:
                return False
            self._noted_at[key_id] = now
            self._noted_at.move_to_end(key_id)
            while len(self._noted_at) > self._keys_max:
                self._noted_at.popitem(last=False)
        return True


class TokenLastUse(LastUse):
    """The same for access tokens, and from which network: that much tells a person a stranger."""

    table = IssuedToken

    def _columns(self, now: datetime, address: Address | None) -> dict[str, Any]:
        return {"last_used_at": now, "last_used_from": network_of(address)}


def network_of(address: Address | None) -> str:
    """Return the network that an address is in, an empty text where there is none."""
    if address is None:
        return ""
    return str(ip_network((address, NETWORK_BITS[address.version]), strict=False))


last_use = LastUse()
token_last_use = TokenLastUse()
