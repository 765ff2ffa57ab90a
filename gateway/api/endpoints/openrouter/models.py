"""GET /api/v1/models and what OpenRouter has around it: counts, pages, endpoints, providers."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpResponse
from rest_framework.request import Request

from gateway import upstreams
from gateway.api.endpoints import models
from gateway.api.endpoints.openrouter.model_cards import endpoint_card, model_fields
from gateway.api.json_response import JSONResponse
from gateway.api.schema.openrouter_queries import ModelListQuery
from gateway.api.schema.parsing import parse
from gateway.api.schema.unknown_fields import ignored_header, ignored_of
from gateway.api.view import View
from gateway.catalog.snapshot import CatalogModel
from gateway.pipeline.admission.access import resolve, served_to
from gateway.pipeline.errors import ModelNotFound
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers import registry

PAGE_MODELS = 1000
ALL_MODALITIES = "all"


class OpenRouterCatalogueView(models.CatalogueView):
    """Cards with what the SDKs require."""

    def card(self, model: CatalogModel) -> Mapping[str, Any]:
        choices = served_to(self.principal).choices(model)
        return {**super().card(model), **model_fields(model, choices, EMULATED_PARAMETERS)}

    def price_nano(self, model: CatalogModel) -> int:
        """Return what a token of prompt and one of answer cost together, at the least."""
        [first, *_] = served_to(self.principal).choices(model)
        return first.price.prompt_nano + first.price.completion_nano if first.price else 0


class OpenRouterModelsView(OpenRouterCatalogueView, models.ModelsView):
    """The list, in pages where `limit` or `offset` is given. `modalities` is what it has without a filter."""

    modalities: ClassVar[str] = ALL_MODALITIES

    def get(self, request: Request) -> HttpResponse:
        query = parse(ModelListQuery, request.GET.dict())
        ignored = ignored_of(request, query)
        found = self.wanted(request, query)
        offset = query.offset or 0
        is_paged = query.limit is not None or query.offset is not None
        end = offset + (query.limit or PAGE_MODELS) if is_paged else len(found)
        document = {
            "object": "list",
            "data": [self.card(model) for model in found[offset:end]],
            "total_count": len(found),
            "links": {"next": _page(request, offset=end) if end < len(found) else None},
        }
        return ignored_header(JSONResponse(document), ignored)

    def wanted(self, request: Request, query: ModelListQuery) -> list[CatalogModel]:
        """Return all that the query asks for, in its order."""
        wanted = set((query.output_modalities or self.modalities).split(","))
        found = [
            model
            for model in self.found(request)
            if ALL_MODALITIES in wanted or _modality(model) in wanted
        ]
        orders: dict[str, Callable[[CatalogModel], int]] = {
            "newest": lambda model: -model.created,
            "pricing-low-to-high": self.price_nano,
            "pricing-high-to-low": lambda model: -self.price_nano(model),
            "context-high-to-low": lambda model: -model.context_tokens,
        }
        return sorted(found, key=orders[query.sort]) if query.sort else found


class OpenRouterModelCountView(OpenRouterModelsView):
    """GET /api/v1/models/count: how many models the list has."""

    def get(self, request: Request) -> HttpResponse:
        query = parse(ModelListQuery, request.GET.dict())
        count = len(self.wanted(request, query))
        return ignored_header(JSONResponse({"data": {"count": count}}), ignored_of(request, query))


class OpenRouterUserModelsView(OpenRouterModelsView):
    """GET /api/v1/models/user: the list of what this credential may use."""

    scope = "chat"


class OpenRouterEmbeddingModelsView(OpenRouterModelsView):
    """GET /api/v1/embeddings/models: the models for embeddings."""

    modalities = "embeddings"


class OpenRouterModelView(OpenRouterCatalogueView, models.ModelView):
    """One model, by its id or an alias."""


class OpenRouterModelByAuthorView(OpenRouterCatalogueView):
    """GET /api/v1/model/{author}/{slug}: one model."""

    def get(self, request: Request, author: str, slug: str) -> HttpResponse:
        return JSONResponse({"data": self.card(self.model(author, slug))})

    def model(self, author: str, slug: str) -> CatalogModel:
        """Find a model by a name of its own with a slash, or by its name and its provider or owner.

        Raises ModelNotFound, ModelNotAllowed.
        """
        try:
            return resolve(f"{author}/{slug}", self.principal)
        except ModelNotFound:
            if not self.is_owned(author, slug):
                raise
            return resolve(slug, self.principal)

    def is_owned(self, author: str, slug: str) -> bool:
        """Say whether there is such a model of the owner's."""
        model = served_to(self.principal).resolve(slug)
        return model is not None and model.owned_by == author.lower()


class OpenRouterEndpointsView(OpenRouterModelByAuthorView):
    """GET /api/v1/models/{author}/{slug}/endpoints: every way to serve a model."""

    def get(self, request: Request, author: str, slug: str) -> HttpResponse:
        model = self.model(author, slug)
        card = self.card(model)
        choices = served_to(self.principal).choices(model)
        endpoints = [
            endpoint_card(choice, route, EMULATED_PARAMETERS)
            for choice in choices
            for route in choice.routes
        ]
        shown = ("id", "name", "created", "description", "architecture")
        return JSONResponse(
            {"data": {name: card[name] for name in shown} | {"endpoints": endpoints}}
        )


class OpenRouterProvidersView(View):
    """GET /api/v1/providers: who serves the models; no credential is needed."""

    def get(self, request: Request) -> HttpResponse:
        is_test = self.principal is not None and self.principal.is_test
        data = [
            {
                "name": registry.title(slug),
                "slug": slug,
                "privacy_policy_url": None,
                "terms_of_service_url": None,
                "status_page_url": None,
            }
            for slug in sorted(upstreams.served(is_test=is_test))
        ]
        return JSONResponse({"data": data})


def _modality(model: CatalogModel) -> str:
    return "text" if model.kind == "chat" else "embeddings"


def _page(request: Request, *, offset: int) -> str:
    """Return the address of the page that begins at `offset`."""
    return f"{request.path}?{urlencode({**request.GET.dict(), 'offset': offset})}"
