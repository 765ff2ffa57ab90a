"""The process's memory of valid credentials: they stay until they change, expire, or others need the room.

Changes are noted by account and numbered. A credential bears the number that was the last when it was
read, so that a change costs the same however many are remembered, and what was read before a change is
never taken for what was read after it.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from accounts.principal import Principal

CHANGED_ACCOUNTS_MAX = 10_000


class CachedCredential:
    """A valid credential as it was after the change with the number `version`."""

    __slots__ = ("noted_s", "principal", "version")

    def __init__(self, principal: Principal, version: int) -> None:
        self.principal = principal
        self.version = version
        self.noted_s = float("-inf")
        """When its use was last noted, by the monotonic clock."""


class CredentialCache:
    """An LRU cache by the digest of the credential.

    A hit takes no lock: each of its operations on the dictionaries is one step of the interpreter.
    """

    def __init__(self, *, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[str, CachedCredential] = OrderedDict()
        self._changed: dict[int, int] = {}
        self._all_changed = 0
        self._lock = threading.Lock()
        self.version = 0
        """The number of the last change."""

    def get(self, digest: str) -> CachedCredential | None:
        """Return the credential, unless it is not remembered or has changed since it was read."""
        entry = self._entries.get(digest)
        if entry is None or self.has_changed(entry.principal.account_id, entry.version):
            return None
        try:
            self._entries.move_to_end(digest)
        except KeyError:  # another thread needed the room
            self._remember(digest, entry)
        return entry

    def put(self, digest: str, principal: Principal, version: int) -> CachedCredential:
        """Remember a credential that was read when `version` was the number of the last change."""
        entry = CachedCredential(principal, version)
        self._remember(digest, entry)
        return entry

    def has_changed(self, account_id: int, version: int) -> bool:
        """Say whether the account's credentials have changed since `version` was the last number."""
        return self._changed.get(account_id, self._all_changed) > version

    def note_changes(self, account_ids: Iterable[int] | None) -> None:
        """Note that credentials of these accounts have changed; None: perhaps those of any account."""
        with self._lock:
            number = self.version + 1
            changed = self._changed if account_ids is not None else {}
            changed |= dict.fromkeys(account_ids or (), number)
            if account_ids is None or len(changed) > CHANGED_ACCOUNTS_MAX:
                changed, self._all_changed = {}, number
            self._changed = changed
            self.version = number

    def __len__(self) -> int:
        return len(self._entries)

    def _remember(self, digest: str, entry: CachedCredential) -> None:
        with self._lock:
            self._entries[digest] = entry
            self._entries.move_to_end(digest)
            while len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
