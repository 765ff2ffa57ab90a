"""The health of a route, as routing needs it."""

from typing import NamedTuple, Protocol

from gateway.health.windows import Measured


class RouteState(NamedTuple):
    """The health of a route now.

    `rest_ms` above 0: no request may use it for so long. `is_half_open`: the next request is a probe.
    `is_degraded`: the last requests failed. `is_busy`: the provider answers "too many requests".
    `has_credentials` is false when every credential of the provider that was in use is refused.
    """

    rest_ms: int = 0
    is_half_open: bool = False
    is_degraded: bool = False
    is_busy: bool = False
    has_credentials: bool = True

    @property
    def is_out(self) -> bool:
        return self.rest_ms > 0

    @property
    def is_weak(self) -> bool:
        """Whether another route should be preferred."""
        return self.is_degraded or self.is_busy or not self.has_credentials


class Health(Protocol):
    """Answers from memory, at once."""

    def route(self, provider: str, upstream_id: str) -> RouteState: ...

    def measured(self, provider: str, upstream_id: str) -> Measured: ...


class Unwatched:
    """Health for requests that are not watched: every route is well, and none is measured."""

    def route(self, provider: str, upstream_id: str) -> RouteState:
        return RouteState()

    def measured(self, provider: str, upstream_id: str) -> Measured:
        return Measured()


UNWATCHED = Unwatched()
