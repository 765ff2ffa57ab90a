"""What a caller orders: the chat request and everything about it that is no provider's business."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from gateway.catalog import Model
from gateway.providers.chat_types import ChatRequest

Sort = Literal["price", "throughput", "latency"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """The `provider` object of a request. Slugs are in lower case; prices are roubles per million tokens.

    `sort` is among the routes of each model, with `across_models` among those of all of them.
    """

    order: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    sort: Sort | None = None
    across_models: bool = False
    max_prompt_price: Decimal | None = None
    max_completion_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One of the names in an order, resolved: the models that may answer for it, more than one for auto.

    `sort` is what an ending of the name says.
    """

    models: tuple[Model, ...]
    sort: Sort | None = None
    is_auto: bool = False


@dataclass(frozen=True, slots=True)
class ChatOrder:
    """One validated chat request with the models to try, in order.

    `ignored` names top-level fields that mean nothing here; `is_strict` makes every adaptation a refusal,
    `is_middle_out` shortens a prompt that does not fit.
    """

    request: ChatRequest
    models: tuple[str, ...]
    preferences: Preferences = field(default_factory=Preferences)
    is_strict: bool = False
    is_middle_out: bool = False
    ignored: tuple[str, ...] = ()
