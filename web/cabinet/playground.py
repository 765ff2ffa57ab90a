"""/cabinet/playground/: a chat page, and chat completions and their plans authenticated by the session."""

from typing import Any, TypedDict

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from accounts.signin.sessions import account_of, session_principal
from billing.ledger import balances
from gateway.api.endpoints.chat import CompletionView
from gateway.api.endpoints.model_cards import ParameterCard, parameters_card
from gateway.api.endpoints.plan import PlanView
from gateway.api.view import View
from gateway.catalog.snapshot import CatalogModel, Catalogue
from gateway.pipeline.admission.access import served_to
from gateway.pipeline.routing.router import EMULATED_PARAMETERS
from gateway.providers.registry import BUILT_IN
from web.cabinet.answer_markdown import render_answer
from web.cabinet.login_required import login_required
from web.cabinet.playground_examples import examples
from web.cabinet.playground_words import words

MOST_RENDERED_CHARS = 100_000
TUNED = ("temperature", "top_p", "max_tokens")
FORMATS = {"json_object": "response_format", "json_schema": "structured_outputs"}
"""The types of `response_format` beside text, each with the parameter of a card that stands for it."""


class ModelOption(TypedDict):
    """What static/playground.js knows of a model: what it honours, natively or by emulation.

    `formats` are the types of `response_format`, `parameters` has those of TUNED.
    """

    id: str
    name: str
    description: str
    is_free: bool
    formats: list[str]
    has_tools: bool
    parameters: dict[str, ParameterCard]


class _OfSession(View):
    """A view of the API for a person: the session is the credential."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.principal = session_principal(request._request)

    def finalize_response(  # type: ignore[override]  # as in the base
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Leave it for our own pages alone: no other origin may read it."""
        return response


class PlaygroundCompletionsView(_OfSession, CompletionView):
    """OpenAI's chat completions."""


class PlaygroundPlanView(_OfSession, PlanView):
    """What the next message will cost."""


_complete = PlaygroundCompletionsView.as_view()
_plan = PlaygroundPlanView.as_view()


@require_POST
def completions(request: HttpRequest) -> HttpResponseBase:
    """Run a completion. A function of its own, since the API's views are exempt from CSRF checks."""
    return _complete(request)


@require_POST
def plan(request: HttpRequest) -> HttpResponseBase:
    """Plan a completion; checked against CSRF for the same reason."""
    return _plan(request)


@login_required
@require_POST
def markdown(request: HttpRequest) -> HttpResponse:
    """Render an answer, the field `text`, for its own page; nothing of it is kept."""
    text = request.POST.get("text", "")
    if len(text) > MOST_RENDERED_CHARS:
        return HttpResponse(status=413)
    return HttpResponse(render_answer(text))


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
            "providers": {slug: provider.title for slug, provider in BUILT_IN.items()},
            "words": words(),
            "examples": examples(),
        },
    }
    return render(request, "cabinet/playground.html", context)


def _option(model: CatalogModel, catalogue: Catalogue) -> ModelOption:
    card = parameters_card(model, catalogue.choices(model), EMULATED_PARAMETERS)
    honoured = card["supported_parameters"]
    is_russian = (get_language() or "").startswith("ru")
    return ModelOption(
        id=model.id,
        name=model.name,
        description=model.description if is_russian else model.description_en,
        is_free=model.is_free,
        formats=["text", *(name for name, parameter in FORMATS.items() if parameter in honoured)],
        has_tools="tools" in honoured,
        parameters={name: card["parameters"][name] for name in TUNED if name in card["parameters"]},
    )
