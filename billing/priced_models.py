"""What billing's pages know of the catalogue, which lies above it and says so when it starts."""

from collections.abc import Callable, Collection

from billing.prices import UpstreamName


def _none() -> Collection[str]:
    return ()


def _nowhere(model_id: str) -> Collection[UpstreamName]:
    return ()


class PricedModels:
    """The ids of all models of the catalogue, and where each may be answered."""

    def __init__(self) -> None:
        self.ids: Callable[[], Collection[str]] = _none
        self.routes: Callable[[str], Collection[UpstreamName]] = _nowhere


priced_models = PricedModels()
