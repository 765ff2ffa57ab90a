"""GET /v1/models, /v1/models/{id} and /v1/parameters/{model}: the catalogue as this caller may use it."""

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.model_cards import model_card, parameters_card
from gateway.api.view import JSONResponse, View
from gateway.pipeline.access import may_use, resolve, served_to
from gateway.pipeline.router import EMULATED_PARAMETERS


class ModelsView(View):
    """The list; `?provider=` and `?supported_parameters=` (comma separated, all of them) narrow it."""

    def get(self, request: Request) -> HttpResponse:
        catalogue = served_to(self.principal)
        provider = request.GET.get("provider", "").lower()
        wanted = set(filter(None, request.GET.get("supported_parameters", "").split(",")))
        cards = [
            model_card(model, catalogue.choices(model), EMULATED_PARAMETERS)
            for model in catalogue.models()
            if may_use(self.principal, model)
            and (not provider or any(route.provider == provider for route in model.routes))
        ]
        data = [card for card in cards if wanted <= set(card["supported_parameters"])]
        return JSONResponse({"object": "list", "data": data})


class ModelView(View):
    """One model, by its id or another name of it."""

    def get(self, request: Request, model_id: str) -> HttpResponse:
        model = resolve(model_id, self.principal)
        choices = served_to(self.principal).choices(model)
        return JSONResponse(model_card(model, choices, EMULATED_PARAMETERS))


class ParametersView(View):
    """The parameters that a model honours."""

    scope = "chat"

    def get(self, request: Request, model_id: str) -> HttpResponse:
        model = resolve(model_id, self.principal)
        choices = served_to(self.principal).choices(model)
        return JSONResponse({"data": parameters_card(model, choices, EMULATED_PARAMETERS)})
