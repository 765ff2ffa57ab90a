"""Access to the providers: which are served, their credentials and adapters, and slots for requests."""

from gateway.upstreams.pool import PoolUnavailable
from gateway.upstreams.providers import (
    is_free_of_charge,
    is_sandboxed,
    make_ready,
    narrowed,
    provider,
    reset,
    served,
    with_credentials,
)
from gateway.upstreams.sandboxed import sandbox
from gateway.upstreams.slots.queue_wait import QueueWait
from gateway.upstreams.slots.slots import Slot, SlotElsewhere, leased

__all__ = [
    "PoolUnavailable",
    "QueueWait",
    "Slot",
    "SlotElsewhere",
    "is_free_of_charge",
    "is_sandboxed",
    "leased",
    "make_ready",
    "narrowed",
    "provider",
    "reset",
    "sandbox",
    "served",
    "with_credentials",
]
