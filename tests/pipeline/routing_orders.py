"""Models of the catalogue and orders for them, as short as a test of the routing can name them."""

from typing import Any

from billing.pricing import PriceValue
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.pipeline.request import CompletionRequest, Preferences, RequestedModel
from gateway.pipeline.routing.router import Routing, choose
from gateway.providers.chat_types import ChatRequest, Message
from gateway.providers.profile import ModelProfile, ParameterRange

PROFILE = ModelProfile(
    context_tokens=1000,
    max_output_tokens=100,
    parameters={"temperature": ParameterRange(0, 1), "max_tokens": ParameterRange(1)},
    can_deny_data_collection=True,
)


def model_of(name: str, *providers: str, price: int = 1000, profile: Any = PROFILE) -> CatalogModel:
    return CatalogModel(
        id=name,
        name=name,
        description="",
        description_en="",
        kind="chat",
        owned_by="us",
        created=0,
        context_tokens=1000,
        max_output_tokens=100,
        is_free=False,
        is_auto=False,
        price=PriceValue(1, price, price, 0),
        routes=tuple(
            CatalogRoute(provider, f"{provider}-{name}", priority, 1, profile)
            for priority, provider in enumerate(providers)
        ),
    )


def order_of(
    *models: str, strict: bool = False, middle_out: bool = False, **request: Any
) -> CompletionRequest:
    messages = request.pop("messages", (Message("user", "Привет"),))
    preferences = request.pop("preferences", Preferences())
    return CompletionRequest(
        ChatRequest(messages=messages, **request),
        models or ("a",),
        preferences,
        is_strict=strict,
        is_middle_out=middle_out,
    )


def routing_of(completion_request: CompletionRequest, *models: CatalogModel) -> Routing:
    return choose(completion_request, [RequestedModel((model,)) for model in models])
