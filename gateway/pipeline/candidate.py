"""One route that may be asked, with the request as that route honours it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.providers.chat_types import ChatRequest

Action = Literal["affordable", "clamped", "ignored", "emulated", "mapped", "rewritten"]


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One change that was made to a request to fit a route; written `temperature=clamped`."""

    parameter: str
    action: Action

    def __str__(self) -> str:
        return f"{self.parameter}={self.action}"


class Candidate(NamedTuple):
    """A route to ask, what the caller pays there, the request fitted to it, and what that changed.

    `reasons` say why it stands in its place.
    """

    model: CatalogModel
    route: CatalogRoute
    price: PriceValue
    request: ChatRequest
    adapted: tuple[Adaptation, ...]
    reasons: tuple[str, ...] = ()
