"""Where each path goes. A slash at the end of an API path is tolerated."""

import re
from collections.abc import Callable, Mapping

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.signin.language import set_language
from gateway.api.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.api.dialects.base import Dialect
from gateway.api.dialects.openai_chat import OPENAI_CHAT
from gateway.api.dialects.openai_completions import OPENAI_COMPLETIONS
from gateway.api.dialects.openai_responses import OPENAI_RESPONSES
from gateway.api.dialects.openrouter import (
    OPENROUTER_CHAT,
    OPENROUTER_COMPLETIONS,
    OPENROUTER_RESPONSES,
)
from gateway.api.endpoints.account import CreditsView, GenerationView, KeyView
from gateway.api.endpoints.activity import ActivityView
from gateway.api.endpoints.chat import CompletionView
from gateway.api.endpoints.embeddings import EmbeddingsView
from gateway.api.endpoints.health import live, ready
from gateway.api.endpoints.keys import KeyByHashView, KeyRotationView, KeysView
from gateway.api.endpoints.leaked_keys import LeakedKeysView
from gateway.api.endpoints.metrics import metrics_page
from gateway.api.endpoints.model_endpoints import EndpointsView
from gateway.api.endpoints.model_map import ModelMapView
from gateway.api.endpoints.models import ModelsView, ModelView, ParametersView
from gateway.api.endpoints.moderations import ModerationsView
from gateway.api.endpoints.not_found import NotFoundView
from gateway.api.endpoints.one_click import AuthKeysView
from gateway.api.endpoints.openrouter.account import (
    OpenRouterActivityView,
    OpenRouterGenerationView,
    OpenRouterKeyView,
)
from gateway.api.endpoints.openrouter.keys import (
    OpenRouterKeyByHashView,
    OpenRouterKeyRotationView,
    OpenRouterKeysView,
)
from gateway.api.endpoints.openrouter.models import (
    OpenRouterEmbeddingModelsView,
    OpenRouterEndpointsView,
    OpenRouterModelByAuthorView,
    OpenRouterModelCountView,
    OpenRouterModelsView,
    OpenRouterModelView,
    OpenRouterProvidersView,
    OpenRouterUserModelsView,
)
from gateway.api.endpoints.plan import PlanView
from gateway.api.endpoints.providers_status import ProvidersStatusView
from gateway.api.endpoints.stored_responses import StoredResponseView
from gateway.api.endpoints.tokens import TokenCountView
from gateway.api.schema.openapi.views import OpenAPIView
from gateway.api.view import View
from infra.metrics import OTHER
from web.payment_webhook import yookassa_webhook

handler400 = "web.error_pages.bad_request"
handler404 = "web.error_pages.not_found"
handler500 = "web.error_pages.server_error"


OF_NO_HEADER: Mapping[str, Dialect] = {}
BY_VERSION: Mapping[str, Dialect] = {"anthropic-version": ANTHROPIC_MESSAGES}


def api(
    pattern: str,
    view: type[View],
    openai: Dialect = OPENAI_CHAT,
    openrouter: Dialect = OPENROUTER_CHAT,
    *,
    openrouter_view: type[View] | None = None,
    by_header: Mapping[str, Dialect] = OF_NO_HEADER,
) -> list[URLPattern]:
    """Route a path under /v1 and under /api/v1, each in its own dialect, or in that of a header's name.

    `view` is of both, unless OpenRouter's dialect has its own. Not by two `include`s: a resolver within a
    resolver costs each request some 10 µs.
    """
    own = view.as_view(dialect=openai, dialects=by_header, route=_template(f"/v1/{pattern}"))
    return [
        re_path(rf"^v1/{pattern}/?$", own),
        openrouter_alone(pattern, openrouter_view or view, openrouter, by_header),
    ]


def openrouter_alone(
    pattern: str,
    view: type[View],
    dialect: Dialect = OPENROUTER_CHAT,
    by_header: Mapping[str, Dialect] = OF_NO_HEADER,
) -> URLPattern:
    """Route a path under /api/v1."""
    route = _template(f"/api/v1/{pattern}")
    return re_path(
        rf"^api/v1/{pattern}/?$", view.as_view(dialect=dialect, dialects=by_header, route=route)
    )


def _template(pattern: str) -> str:
    """Return a pattern as people read it, `/v1/models/{model_id}`; OTHER where it stands for any path."""
    if pattern.endswith(".*"):
        return OTHER
    return (
        re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern).replace("(?:auth/)?", "").replace("\\", "")
    )


def anthropic(pattern: str, view: type[View]) -> list[URLPattern]:
    """Route a path of Anthropic's protocol."""
    return api(pattern, view, ANTHROPIC_MESSAGES, ANTHROPIC_MESSAGES)


def probe(pattern: str, view: Callable[[HttpRequest], HttpResponse]) -> list[URLPattern]:
    """Route a path that machines read, with a slash at its end or without."""
    read = csrf_exempt(require_safe(view))
    return [path(pattern, read), path(f"{pattern}/", read)]


urlpatterns: list[URLPattern | URLResolver] = [
    *api("chat/completions", CompletionView),
    *api("completions", CompletionView, OPENAI_COMPLETIONS, OPENROUTER_COMPLETIONS),
    *api("responses", CompletionView, OPENAI_RESPONSES, OPENROUTER_RESPONSES),
    *api("responses/compact", NotFoundView),
    *api("responses/input_tokens", NotFoundView),
    *api("responses/.*", StoredResponseView),
    *anthropic("messages", CompletionView),
    *anthropic("messages/count_tokens", TokenCountView),
    *anthropic("messages/.*", NotFoundView),
    *api("embeddings", EmbeddingsView),
    *api("tokens/count", TokenCountView),
    *api("moderations", ModerationsView),
    *api("plan", PlanView),
    openrouter_alone("models/count", OpenRouterModelCountView),
    openrouter_alone("models/user", OpenRouterUserModelsView),
    openrouter_alone("models/(?P<author>[^/]+)/(?P<slug>[^/]+)/endpoints", OpenRouterEndpointsView),
    openrouter_alone("model/(?P<author>[^/]+)/(?P<slug>[^/]+)", OpenRouterModelByAuthorView),
    openrouter_alone("embeddings/models", OpenRouterEmbeddingModelsView),
    openrouter_alone("providers", OpenRouterProvidersView),
    *api("models", ModelsView, openrouter_view=OpenRouterModelsView, by_header=BY_VERSION),
    *api("models/(?P<model_id>.+?)/endpoints", EndpointsView),
    *api(
        "models/(?P<model_id>.+?)",
        ModelView,
        openrouter_view=OpenRouterModelView,
        by_header=BY_VERSION,
    ),
    *api("parameters/(?P<model_id>.+?)", ParametersView),
    *api("generation", GenerationView, openrouter_view=OpenRouterGenerationView),
    *api("(?:auth/)?key", KeyView, openrouter_view=OpenRouterKeyView),
    *api("auth/keys", AuthKeysView),
    *api("keys", KeysView, openrouter_view=OpenRouterKeysView),
    *api("keys/leaked", LeakedKeysView),
    *api("keys/(?P<key_hash>[^/]+)", KeyByHashView, openrouter_view=OpenRouterKeyByHashView),
    *api(
        "keys/(?P<key_hash>[^/]+)/rotate",
        KeyRotationView,
        openrouter_view=OpenRouterKeyRotationView,
    ),
    *api("model_map", ModelMapView),
    *api("credits", CreditsView),
    *api("activity", ActivityView, openrouter_view=OpenRouterActivityView),
    *api("providers/status", ProvidersStatusView),
    *api(r"openapi\.json", OpenAPIView),
    *api(".*", NotFoundView),
    re_path(r"^webhooks/yookassa/?$", yookassa_webhook),
    *probe("health", ready),
    *probe("health/ready", ready),
    *probe("health/live", live),
    *probe("metrics", metrics_page),
    path("", include("accounts.oauth.urls")),
    path("accounts/", include("accounts.signin.urls")),
    path("cabinet/", include("web.cabinet.urls")),
    path("", include("web.public.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", include("web.operators.urls")),
    path("admin/", admin.site.urls),
]

COMPLETION_PATHS = tuple(
    f"/{str(entry.pattern).removeprefix('^').removesuffix('/?$')}"
    for entry in urlpatterns
    if isinstance(entry, URLPattern)
    and issubclass(getattr(entry.callback, "cls", object), CompletionView)
)
"""Paths that the application looks up without a resolver: see wsgi.py."""
