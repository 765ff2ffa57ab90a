"""Who is asked upstream: what a slug stands for, with which credential, and when that one has room."""

from gateway.upstreams.pool import PoolUnavailable
from gateway.upstreams.providers import (
    forget,
    is_sandboxed,
    provider,
    served,
    with_credentials,
)
from gateway.upstreams.sandboxed import sandbox
from gateway.upstreams.slots import Lease, leased

__all__ = [
    "Lease",
    "PoolUnavailable",
    "forget",
    "is_sandboxed",
    "leased",
    "provider",
    "sandbox",
    "served",
    "with_credentials",
]
