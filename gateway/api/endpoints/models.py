"""GET /v1/models, /v1/models/{id}, /v1/parameters/{model}: the part of the catalogue the caller may use."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.dialects.base import ModelsDialect
from gateway.api.endpoints.model_cards import model_card, parameters_card, supported_parameters
from gateway.api.json_response import JSONResponse
from gateway.api.sunset import describe_end
from gateway.api.view import View
from gateway.catalog.snapshot import CatalogModel
from gateway.pipeline.admission.access import choices_of, may_use, resolve, served_to
from gateway.pipeline.errors import ModelNotFound
from gateway.pipeline.routing.router import EMULATED_PARAMETERS


class CatalogueView(View):
    """The base of what shows models."""

    def card(self, model: CatalogModel) -> Mapping[str, Any]:
        """Return a model as the caller sees it."""
        choices = served_to(self.principal).choices(model)
        return model_card(model, choices, EMULATED_PARAMETERS)

    def found(self, request: Request) -> list[CatalogModel]:
        """Return the models that the caller may use and that the query asks for."""
        catalogue = served_to(self.principal)
        provider = request.GET.get("provider", "").lower()
        wanted = set(filter(None, request.GET.get("supported_parameters", "").split(",")))

        def honours(model: CatalogModel) -> bool:
            choices = catalogue.choices(model)
            return wanted <= set(supported_parameters(model, choices, EMULATED_PARAMETERS))

        return [
            model
            for model in catalogue.models()
            if may_use(self.principal, model)
            and choices_of(self.principal, model)
            and (not provider or any(route.provider == provider for route in model.routes))
            and (not wanted or honours(model))
        ]


class ModelsView(CatalogueView):
    """The list; `?provider=` and `?supported_parameters=` (comma separated; all must match) filter it."""

    dialect: ModelsDialect

    def get(self, request: Request) -> HttpResponse:
        data = [self.card(model) for model in self.found(request)]
        return JSONResponse(self.dialect.model_list(data, request.GET))


class ModelView(CatalogueView):
    """One model, by its id or an alias; also one that has ended, which no list has."""

    dialect: ModelsDialect

    def get(self, request: Request, model_id: str) -> HttpResponse:
        try:
            model = resolve(model_id, self.principal)
        except ModelNotFound:
            ended = served_to(self.principal).ended(model_id)
            if ended is None or not ended.routes or not may_use(self.principal, ended):
                raise
            model = ended
        response = JSONResponse(self.dialect.model(self.card(model)))
        describe_end(response, model)
        return response


class ParametersView(View):
    """The parameters that a model honours, with their ranges and defaults."""

    scope = "chat"

    def get(self, request: Request, model_id: str) -> HttpResponse:
        model = resolve(model_id, self.principal)
        choices = served_to(self.principal).choices(model)
        return JSONResponse({"data": parameters_card(model, choices, EMULATED_PARAMETERS)})
