"""How a route is, as who chooses among routes needs to know it."""

from dataclasses import dataclass
from typing import Protocol

from gateway.health.windows import Measured


@dataclass(frozen=True, slots=True)
class RouteState:
    """What is known of a route now.

    `rest_ms` above 0: it may not be asked, for so long. `is_trial`: the next request shows whether it
    is well again. `is_shaky`: the last requests failed. `is_busy`: the provider asked to be left alone.
    `has_credentials` is false when every credential of the provider that was in use is refused.
    """

    rest_ms: int = 0
    is_trial: bool = False
    is_shaky: bool = False
    is_busy: bool = False
    has_credentials: bool = True

    @property
    def is_out(self) -> bool:
        return self.rest_ms > 0

    @property
    def is_weak(self) -> bool:
        """Whether another route should go before it."""
        return self.is_shaky or self.is_busy or not self.has_credentials


class Health(Protocol):
    """Answers from memory, at once."""

    def route(self, provider: str, upstream_id: str) -> RouteState: ...

    def measured(self, provider: str, upstream_id: str) -> Measured: ...


class Unwatched:
    """The health of what nobody watches: always well, never measured."""

    def route(self, provider: str, upstream_id: str) -> RouteState:
        return RouteState()

    def measured(self, provider: str, upstream_id: str) -> Measured:
        return Measured()


UNWATCHED = Unwatched()
