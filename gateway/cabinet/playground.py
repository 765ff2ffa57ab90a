"""The playground: a page to talk to any model from, and the API's own chat for who is logged in."""

from typing import Any, TypedDict

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from accounts.sessions import account_of, session_principal
from billing import balances
from gateway.api.chat import ChatCompletionsView
from gateway.api.model_cards import ParameterCard, parameters_card
from gateway.cabinet.playground_words import words
from gateway.catalog import Catalogue, Model
from gateway.pipeline.access import served_to
from gateway.pipeline.router import EMULATED_PARAMETERS
from gateway.provider_names import NAMES

TUNED = ("temperature", "top_p", "max_tokens")


class ModelOption(TypedDict):
    """What static/playground.js knows of a model; `parameters` has those of TUNED that it honours."""

    id: str
    name: str
    description: str
    is_free: bool
    has_json_mode: bool
    parameters: dict[str, ParameterCard]


class PlaygroundCompletionsView(ChatCompletionsView):
    """OpenAI's chat completions for a person: the session is the credential."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.principal = session_principal(request._request)

    def finalize_response(  # type: ignore[override]  # as in the base
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Leave it for our own pages alone: no other origin may read it."""
        return response


_complete = PlaygroundCompletionsView.as_view()


@require_POST
def completions(request: HttpRequest) -> HttpResponseBase:
    """Run a completion. A function of its own, since the API's views are exempt from CSRF checks."""
    return _complete(request)


@login_required
@require_safe
def playground(request: HttpRequest) -> HttpResponse:
    """Show the page, with the model that `model` names."""
    catalogue = served_to(None)
    has_credits = balances.exact(account_of(request).pk).posted_nano > 0
    options = [
        _option(model, catalogue)
        for model in sorted(catalogue.models(), key=lambda model: (not model.is_free, model.name))
        if model.kind == "chat"
    ]
    asked = request.GET.get("model", "")[:200]
    found = catalogue.resolve(asked) if asked else None
    is_known = found is not None and found.kind == "chat"
    context = {
        "options": options,
        "chosen": found.id if found is not None and is_known else "",
        "unknown_model": "" if is_known else asked,
        "has_credits": has_credits,
        "setup": {
            "models": options,
            "hasCredits": has_credits,
            "baseUrl": f"{settings.PUBLIC_URL}/v1",
            "providers": NAMES,
            "words": words(),
        },
    }
    return render(request, "cabinet/playground.html", context)


def _option(model: Model, catalogue: Catalogue) -> ModelOption:
    card = parameters_card(model, catalogue.choices(model), EMULATED_PARAMETERS)
    is_russian = (get_language() or "").startswith("ru")
    return ModelOption(
        id=model.id,
        name=model.name,
        description=model.description if is_russian else model.description_en,
        is_free=model.is_free,
        has_json_mode="response_format" in card["parameters"],
        parameters={name: card["parameters"][name] for name in TUNED if name in card["parameters"]},
    )
