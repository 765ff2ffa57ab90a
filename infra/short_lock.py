"""A lock for a few lines that never wait, log or look anything up.

gevent's lock costs ten times as much, and a request takes some twenty. Greenlets of one thread change only
where one of them waits, so that the system's own lock, which tells threads apart, is all that is needed.
"""

import threading
from typing import TYPE_CHECKING

import gevent.monkey

if TYPE_CHECKING:
    ShortLock = threading.RLock
else:
    ShortLock = gevent.monkey.get_original("_thread", "RLock")
