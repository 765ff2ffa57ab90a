"""GET /v1/models/{id}/endpoints: every way to serve a model, and how it answered in the last hour and day."""

from typing import TypedDict

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.endpoints.model_cards import Pricing, pricing, supported_parameters
from gateway.api.json_response import JSONResponse
from gateway.api.view import View
from gateway.catalog.snapshot import CatalogModel, CatalogRoute
from gateway.health.measured_routes import routes
from gateway.health.route_history import RouteFigures
from gateway.pipeline.admission.access import resolve, served_to
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers import registry


class Figures(TypedDict):
    """What came of the requests of a period; null where nothing was measured."""

    requests: int
    success_rate: float | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    tokens_per_second: float | None


class Measures(TypedDict):
    """The last hour and the last day of a model at a provider."""

    last_hour: Figures
    last_day: Figures


class EndpointCard(TypedDict):
    """One way to serve a model."""

    provider: str
    provider_name: str
    model: str
    context_length: int
    max_completion_tokens: int | None
    pricing: Pricing
    supported_parameters: list[str]
    last_hour: Figures
    last_day: Figures


class EndpointsView(View):
    """The ways to serve one model, by its id or an alias; for an automatic one those of every choice."""

    def get(self, request: Request, model_id: str) -> HttpResponse:
        model = resolve(model_id, self.principal)
        choices = served_to(self.principal).choices(model)
        found = [_card(choice, route) for choice in choices for route in choice.routes]
        return JSONResponse({"data": {"id": model.id, "name": model.name, "endpoints": found}})


def measures_of(model: CatalogModel, route: CatalogRoute) -> Measures:
    """Return how the model answered at the provider of that route."""
    found = routes.of(model.id, route.provider)
    return {"last_hour": _figures(found.hour), "last_day": _figures(found.day)}


def _card(model: CatalogModel, route: CatalogRoute) -> EndpointCard:
    if model.price is None:
        raise ValueError(f"{model.id} has no price, so it is not served.")
    return EndpointCard(
        provider=route.provider,
        provider_name=registry.title(route.provider),
        model=model.id,
        context_length=route.profile.context_tokens,
        max_completion_tokens=route.profile.max_output_tokens or None,
        pricing=pricing(model.price),
        supported_parameters=supported_parameters(model, (model,), EMULATED_PARAMETERS),
        **measures_of(model, route),
    )


def _figures(found: RouteFigures) -> Figures:
    return Figures(
        requests=found.requests,
        success_rate=found.success_rate,
        latency_ms=found.latency_ms,
        time_to_first_token_ms=found.first_token_ms,
        tokens_per_second=found.tokens_per_second,
    )
