"""A health that a test states: which routes are how, and what was measured of them."""

from dataclasses import dataclass, field

from gateway.health.routes import RouteState
from gateway.health.windows import Measured


@dataclass
class Known:
    """Routes by their upstream ids; of the others nothing is known."""

    states: dict[str, RouteState] = field(default_factory=dict)
    figures: dict[str, Measured] = field(default_factory=dict)

    def route(self, provider: str, upstream_id: str) -> RouteState:
        return self.states.get(upstream_id, RouteState())

    def measured(self, provider: str, upstream_id: str) -> Measured:
        return self.figures.get(upstream_id, Measured())
